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
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit,
      maximumFractionDigits: digits,
    }).format(value);
  return {
    /** @param {number} n */
    number: (n) => new Intl.NumberFormat(locale).format(n),
    /** @param {number} ms */
    latency: (ms) => inUnit(ms, "millisecond", ms < 9.95 ? 1 : 0),
    /** @param {number} ms */
    duration: (ms) => duration(Math.max(0, ms) / 1000, inUnit),
    /**
     * The time of day, with the date unless it is today.
     * @param {number} at ms since the epoch
     * @param {number} now ms since the epoch
     */
    moment: (at, now) => moment(at, now, locale),
  };
}

/**
 * @param {number} seconds
 * @param {(value: number, unit: string) => string} inUnit
 */
function duration(seconds, inUnit) {
  if (seconds < MINUTE) return inUnit(Math.floor(seconds), "second");
  if (seconds < HOUR) return inUnit(Math.floor(seconds / MINUTE), "minute");
  if (seconds < 2 * DAY) return inUnit(Math.floor(seconds / HOUR), "hour");
  return inUnit(Math.floor(seconds / DAY), "day");
}

/**
 * @param {number} at
 * @param {number} now
 * @param {string | undefined} locale
 */
function moment(at, now, locale) {
  const [date, today] = [new Date(at), new Date(now)];
  const sameDay = date.toDateString() === today.toDateString();
  const dateStyle = sameDay ? undefined : "medium";
  return new Intl.DateTimeFormat(locale, { dateStyle, timeStyle: "medium" }).format(date);
}

/** @param {string} lang */
function supported(lang) {
  try {
    return Intl.getCanonicalLocales(lang)[0];
  } catch {
    return undefined; // an invalid tag must not break the element
  }
}
