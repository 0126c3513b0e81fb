/** Where the socket is, and which place in the tab this page has. */
/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address. A path is
 * read as every other address of the page is: from its `<base>`, if it has one.
 * @param {string} url
 */
export function socketUrl(url: string): string;
/**
 * Which frame of its tab this is, by the places in the tree: "" at the top, else "/0/2".
 * Frames of one origin share the tab's sessionStorage.
 * @param {Window | undefined} [page]
 * @returns {string}
 */
export function framePath(page?: Window | undefined): string;
