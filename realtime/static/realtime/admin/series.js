/** The chart's points: an hour of samples, and the one that is now. */

/**
 * at (epoch ms), connected, suspended, median and 95th percentile of the latency (ms)
 * @typedef {[at: number, connected: number, suspended: number, p50: number | null, p95: number | null]} Point
 */
/** @typedef {(number | null)[]} Column */

export const HOUR_MS = 3_600_000;
/** Samples come every ten seconds; where two and more are missing, so were the workers. */
export const GAP_MS = 25_000;

/**
 * The samples known so far and those that have come since, an hour in all.
 *
 * @param {Point[]} known @param {Point[]} newer oldest first @param {number} now
 */
export function merge(known, newer, now) {
  // What lies beyond the store's newest was taken by a clock that has been set back since.
  const newest = newer.at(-1)?.[0] ?? Number.POSITIVE_INFINITY;
  const past = known.filter(([at]) => at <= newest);
  const last = past.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
  const all = [...past, ...newer.filter(([at]) => at > last)];
  return all.filter(([at]) => at > now - HOUR_MS);
}

/**
 * Columns for the chart: seconds, then the values; a gap is a row of nothing, so that no line
 * is drawn through it.
 *
 * @param {Point[]} points oldest first
 * @returns {[number[], ...Column[]]}
 */
export function columns(points) {
  /** @type {[number[], ...Column[]]} */
  const result = [[], [], [], [], []];
  /** @param {Column} values */
  const add = (values) => {
    for (const [i, value] of values.entries()) result[i].push(/** @type {number} */ (value));
  };
  points.forEach(([at, ...values], i) => {
    const before = points[i - 1]?.[0];
    if (before !== undefined && at - before > GAP_MS) {
      add([(before + at) / 2000, null, null, null, null]);
    }
    add([at / 1000, ...values]);
  });
  return result;
}
