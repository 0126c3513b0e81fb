/** How old the page's numbers are, in the words of the page's template. */

/** Younger numbers count as current: one interval of the poller, and a slow answer. */
export const FRESH_MS = 5_000;

/** @typedef {"fresh" | "paused" | "stale"} Freshness */

/**
 * @param {{ ageMs: number, paused: boolean, failed: boolean }} status `failed`: the newest poll
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
 * @param {{ seconds: string, minutes: string, hours: string }} templates each with a %s
 */
export function duration(ageMs, templates) {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return interpolate(templates.seconds, seconds);
  if (seconds < 7200) return interpolate(templates.minutes, Math.floor(seconds / 60));
  return interpolate(templates.hours, Math.floor(seconds / 3600));
}

/** Replace the first %s. @param {string} template @param {string | number} value */
export function interpolate(template, value) {
  return template.replace("%s", () => String(value));
}
