/** JSON from and for untrusted sources: invalid input gives null, not an exception. */
/**
 * The parsed value; null if the text is no JSON.
 * @param {any} text
 * @returns {any}
 */
export function parseJson(text: any): any;
/**
 * The value as JSON; null if the server could not read it: a function, a circle, a BigInt, a lone
 * surrogate, an integer beyond 2^53, or more than MAX_LEVELS levels.
 * @param {unknown} value
 * @returns {string | null}
 */
export function toJson(value: unknown): string | null;
/**
 * The length of a text in UTF-8, bytes. Counted here because some test environments have no
 * TextEncoder.
 * @param {string} text
 */
export function utf8Length(text: string): number;
