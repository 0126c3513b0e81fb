/** JSON that may be anybody's: what is none is null, not an exception. */

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
 * Half of a character, as a text has it that was cut within an emoji. UTF-8 has no word for it, so
 * that a server takes it for no JSON.
 */
const HALF = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;

/**
 * @param {unknown} value
 * @returns {string | null}
 */
export function written(value) {
  try {
    const text = JSON.stringify(value) ?? null; // undefined: a function, a symbol
    return text && HALF.test(text) ? null : text;
  } catch {
    return null; // a circle, a BigInt
  }
}

/**
 * How long a text is on the wire: in UTF-8. Counted by hand, because not every environment of
 * tests has a TextEncoder.
 * @param {string} text
 */
export function bytesOf(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) bytes += unit > 0x7ff ? 2 : 1;
    if (unit >= 0xdc00 && unit <= 0xdfff && isHigh(text.charCodeAt(i - 1))) bytes -= 2; // four for both
  }
  return bytes;
}

/** @param {number} unit */
function isHigh(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
