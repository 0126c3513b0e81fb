/** The address of the socket, and the path of this page's frame in its tab. */

/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address. A path is relative
 * to the page's base address, as all its links are. Throws TypeError for an invalid address.
 * @param {string} url
 */
export function socketUrl(url) {
  const { document, location } = globalThis;
  const page = document?.baseURI || location?.href; // a frame with `srcdoc` or a blob: address has no usable location
  const base = page?.replace(/^blob:(?=\w+:)/, ""); // a blob: address contains its creator's origin
  const absolute = new URL(url, base);
  absolute.protocol = absolute.protocol.replace("http", "ws");
  return absolute.href;
}

/**
 * The address of a client that was given none: below the page's script prefix, which the script of
 * `{% realtime_status %}` names.
 * @returns {string}
 */
export function defaultUrl() {
  const script = /** @type {HTMLElement | null | undefined} */ (
    globalThis.document?.querySelector?.("script[data-realtime-url]")
  );
  return script?.dataset.realtimeUrl ?? "/ws/";
}

/**
 * The path of this frame in the tab's tree of frames: "" at the top, else for example "/0/2".
 * Frames of one origin share the tab's sessionStorage; the path tells them apart.
 * @param {Window | undefined} [page]
 * @returns {string}
 */
export function framePath(page = globalThis.window) {
  if (!page?.parent || page.parent === page) return "";
  const { parent } = page;
  let index = 0;
  while (index < parent.length && parent[index] !== page) index += 1;
  return `${framePath(parent)}/${index}`;
}
