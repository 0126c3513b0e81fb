/** The address of the socket, and the path of this page's frame in its tab. */
/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address. A path is relative
 * to the page's base address, as all its links are. Throws TypeError for an invalid address.
 * @param {string} url
 */
export function socketUrl(url: string): string;
/**
 * The address of a client that was given none: below the page's script prefix, which the script of
 * `{% realtime_status %}` names.
 * @returns {string}
 */
export function defaultUrl(): string;
/**
 * The path of this frame in the tab's tree of frames: "" at the top, else for example "/0/2".
 * Frames of one origin share the tab's sessionStorage; the path tells them apart.
 * @param {Window | undefined} [page]
 * @returns {string}
 */
export function framePath(page?: Window | undefined): string;
