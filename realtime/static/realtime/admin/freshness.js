/** How old the numbers are, in the words that the page brings along. */

/** Up to here numbers count as those of now: an interval, and an answer that takes its time. */
export const FRESH_MS = 5_000;

/** @typedef {"fresh" | "paused" | "stale"} Freshness */

/**
 * @param {{ ageMs: number, paused: boolean, failed: boolean }} facts
 * @returns {Freshness}
 */
export function freshness({ ageMs, paused, failed }) {
  if (paused) return "paused";
  return failed || ageMs > FRESH_MS ? "stale" : "fresh";
}

/**
 * "34 s", "3 min", "2 h"; rounded down.
 *
 * @param {number} ageMs
 * @param {{ seconds: string, minutes: string, hours: string }} words each with a %s
 */
export function duration(ageMs, words) {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return fill(words.seconds, seconds);
  if (seconds < 7200) return fill(words.minutes, Math.floor(seconds / 60));
  return fill(words.hours, Math.floor(seconds / 3600));
}

/** @param {string} template @param {string | number} value */
export function fill(template, value) {
  return template.replace("%s", () => String(value));
}
