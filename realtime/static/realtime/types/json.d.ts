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
 * How long a text is on the wire.
 * @param {string} text
 */
export function bytesOf(text: string): number;
