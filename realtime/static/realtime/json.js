/** JSON that may be anybody's: what is none is null, not an exception. */

const encoder = new TextEncoder();

/**
 * @param {any} text
 * @returns {any}
 */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
export function written(value) {
  try {
    return JSON.stringify(value) ?? null; // undefined: a function, a symbol
  } catch {
    return null; // a circle, a BigInt
  }
}

/**
 * How long a text is on the wire.
 * @param {string} text
 */
export function bytesOf(text) {
  return encoder.encode(text).length;
}
