/** Times and numbers in the reader's language, by the browser's Intl. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @typedef {ReturnType<typeof formats>} Formats */

/** @param {string} lang a language tag; the browser's own language replaces an invalid one */
export function formats(lang) {
  const locale = supported(lang);
  /**
   * @param {number} value
   * @param {string} unit
   */
  const inUnit = (value, unit, digits = 0) =>
    value.toLocaleString(locale, { style: "unit", unit, maximumFractionDigits: digits });
  return {
    /** @param {number} n */
    number: (n) => n.toLocaleString(locale),
    /** @param {number} ms */
    latency: (ms) => inUnit(ms, "millisecond", ms < 9.95 ? 1 : 0),
    /** @param {number} ms */
    duration: (ms) => {
      const seconds = Math.max(0, ms) / 1000;
      if (seconds < MINUTE) return inUnit(Math.floor(seconds), "second");
      if (seconds < HOUR) return inUnit(Math.floor(seconds / MINUTE), "minute");
      if (seconds < 2 * DAY) return inUnit(Math.floor(seconds / HOUR), "hour");
      return inUnit(Math.floor(seconds / DAY), "day");
    },
    /**
     * The time of day, with the date unless it is today.
     * @param {number} at ms since the epoch
     * @param {number} now ms since the epoch
     */
    moment: (at, now) => {
      const date = new Date(at);
      const isToday = date.toDateString() === new Date(now).toDateString();
      const dateStyle = isToday ? undefined : "medium";
      return date.toLocaleString(locale, { dateStyle, timeStyle: "medium" });
    },
  };
}

/** @param {string} lang */
function supported(lang) {
  try {
    return Intl.getCanonicalLocales(lang)[0];
  } catch {
    return undefined; // an invalid tag must not break the element
  }
}
