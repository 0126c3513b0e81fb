/**
 * Remove a value.
 * @param {Storage | null} storage
 * @param {string} key
 * @returns {any} the value, which other scripts can have written; null: there is none
 */
export function takeItem(storage: Storage | null, key: string): any;
/** Whether a value out of a storage is an id, key or token that the server takes. @param {unknown} value */
export function isName(value: unknown): boolean;
/**
 * @param {Storage | null} storage
 * @param {string} key
 * @param {unknown} value
 * @returns {boolean} whether the storage has it
 */
export function putItem(storage: Storage | null, key: string, value: unknown): boolean;
