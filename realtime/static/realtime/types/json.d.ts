/** JSON that may be anybody's: what is none is null, not an exception. */
/**
 * @param {any} text
 * @returns {any}
 */
export function parsed(text: any): any;
/**
 * @param {unknown} value
 * @returns {string | null}
 */
export function written(value: unknown): string | null;
/**
 * How long a text is on the wire: in UTF-8. Counted by hand, because not every environment of
 * tests has a TextEncoder.
 * @param {string} text
 */
export function bytesOf(text: string): number;
