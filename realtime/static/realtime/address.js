/** Where the socket is, and which place in the tab this page has. */

/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address. A path is
 * read as every other address of the page is: from its `<base>`, if it has one.
 * @param {string} url
 */
export function socketUrl(url) {
  const absolute = new URL(url, base());
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}

/** A frame with `srcdoc` and what comes from a blob have no address that a path could be read from. */
function base() {
  const { document, location } = globalThis;
  const address = document?.baseURI || location?.href;
  return address?.replace(/^blob:(?=\w+:)/, ""); // it has its maker's in it, if that has one
}

/**
 * Which frame of its tab this is, by the places in the tree: "" at the top, else "/0/2".
 * Frames of one origin share the tab's sessionStorage.
 * @param {Window | undefined} [page]
 * @returns {string}
 */
export function framePath(page = globalThis.window) {
  if (!page?.parent || page.parent === page) return "";
  const { parent } = page;
  let place = 0;
  while (place < parent.length && parent[place] !== page) place += 1;
  return `${framePath(parent)}/${place}`;
}
