import { readFileSync } from "node:fs";

/**
 * The vectors that both languages run.
 * @param {string} name
 */
export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
}
