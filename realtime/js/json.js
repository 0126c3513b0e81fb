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
  try {
    const text = JSON.stringify(value, checkNumber) ?? null;
    return text && (LONE_SURROGATE.test(text) || levelsOf(text) > MAX_LEVELS) ? null : text;
  } catch {
    return null;
  }
}

/**
 * @param {string} _key
 * @param {unknown} value
 */
function checkNumber(_key, value) {
  const size = Number.isInteger(value) ? Math.abs(Number(value)) : 0;
  if (size > MAX_INTEGER && size < EXPONENT_FROM) throw new RangeError();
  return value;
}

/** How deep a JSON text is nested. @param {string} text */
function levelsOf(text) {
  let [level, deepest] = [0, 0];
  for (const [bracket] of text.replace(/"(?:[^"\\]|\\.)*"/g, "").matchAll(/[[\]{}]/g)) {
    level += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, level);
  }
  return deepest;
}

/**
 * The length of a text in UTF-8, bytes. Counted here because some test environments have no
 * TextEncoder.
 * @param {string} text
 */
export function utf8Length(text) {
  let bytes = 0;
  for (const character of text) {
    const code = Number(character.codePointAt(0));
    bytes += 1 + Number(code > 0x7f) + Number(code > 0x7ff) + Number(code > 0xffff);
  }
  return bytes;
}
