/** Storages of the browser, which may be missing or full, and which settings or a sandbox may refuse at any moment. */

import { parseJson } from "./json.js";

/**
 * Remove a value.
 * @param {Storage | null} storage
 * @param {string} key
 * @returns {any} the value, which other scripts can have written; null: there is none
 */
export function takeItem(storage, key) {
  try {
    const value = parseJson(storage?.getItem(key));
    storage?.removeItem(key);
    return value;
  } catch {
    return null;
  }
}

/** Whether a value out of a storage is an id, key or token that the server takes. @param {unknown} value */
export function isName(value) {
  return typeof value === "string" && /^.{1,64}$/s.test(value);
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 * @param {unknown} value
 * @returns {boolean} whether the storage has it
 */
export function putItem(storage, key, value) {
  try {
    storage?.setItem(key, JSON.stringify(value));
    return !!storage;
  } catch {
    return false;
  }
}
