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

/**
 * The value as JSON; null if it has none (a function, a circle, a BigInt, a lone surrogate).
 * @param {unknown} value
 * @returns {string | null}
 */
export function toJson(value) {
  try {
    const text = JSON.stringify(value) ?? null;
    return text && LONE_SURROGATE.test(text) ? null : text;
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
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff ? 2 : 1;
    // Both halves of a surrogate pair together take four bytes.
    if (unit >= 0xdc00 && unit <= 0xdfff && isHighSurrogate(text.charCodeAt(i - 1))) bytes -= 2;
  }
  return bytes;
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
