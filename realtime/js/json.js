/** JSON from and for untrusted sources: invalid input gives null, not an exception. */

/**
 * The parsed value; null if the text is no JSON.
 * @param {any} text
 * @returns {any}
 */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A lone surrogate, as a text has that was cut within an emoji: not valid in UTF-8. */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;

// The server reads no more. A frame around the value takes some of its 32 levels.
const MAX_LEVELS = 29;
const MAX_INTEGER = 2 ** 53;
const EXPONENT_FROM = 1e21; // from here on a number has an exponent in JSON, and is no integer

/**
 * The value as JSON; null if the server could not read it: a function, a circle, a BigInt, a lone
 * surrogate, an integer beyond 2^53, or more than MAX_LEVELS levels.
 * @param {unknown} value
 * @returns {string | null}
 */
export function toJson(value) {
  const levels = new Map();
  /** @this {unknown} the object that has the value */
  function check(/** @type {string} */ _key, /** @type {any} */ inner) {
    const level = 1 + (levels.get(this) ?? 0);
    levels.set(inner, level);
    const size = Number.isInteger(inner) ? Math.abs(inner) : 0;
    const isTooLarge = size > MAX_INTEGER && size < EXPONENT_FROM;
    const isRefused = isTooLarge || (level > MAX_LEVELS && Object(inner) === inner);
    return isRefused ? 0n : inner; // JSON has no BigInt: it throws
  }
  try {
    const text = JSON.stringify(value, check) ?? null;
    return LONE_SURROGATE.test(text) ? null : text;
  } catch {
    return null;
  }
}

/**
 * The length of a text in UTF-8, bytes. Counted here because some test environments have no
 * TextEncoder.
 * @param {string} text
 */
export function utf8Length(text) {
  let bytes = 0;
  for (const character of text)
    bytes += character.length + Number(character > "\x7f") + Number(character > "\u07ff");
  return bytes;
}
