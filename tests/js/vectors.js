import { readFileSync } from "node:fs";

/**
 * Test vectors that Python and JavaScript share.
 * @param {string} name
 */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
}
