/** Objects that all copies of the client on a page share, such as a bundle and an npm package. */

/**
 * The page's object of this name, which the first caller creates.
 * @template T
 * @param {string} name
 * @param {() => T} create
 * @returns {T}
 */
export function pageGlobal(name, create) {
  const page = /** @type {Record<symbol, any>} */ (globalThis);
  const key = Symbol.for(`realtime.${name}`);
  page[key] ??= create();
  return page[key];
}
