/** The chart's time series: an hour of samples, and the current one. */

/**
 * at (epoch ms), connected, suspended, median and 95th percentile of the latency (ms)
 * @typedef {[at: number, connected: number, suspended: number, p50: number | null, p95: number | null]} Sample
 */
/** @typedef {(number | null)[]} Column */

export const HOUR_MS = 3_600_000;
/** Workers sample every ten seconds; two or more missing samples are a gap. */
export const GAP_MS = 25_000;

/**
 * The known samples and the newer ones, each once, of the last hour.
 *
 * @param {Sample[]} known @param {Sample[]} newer oldest first @param {number} now epoch ms
 */
export function mergeSamples(known, newer, now) {
  // Samples after the store's newest come from a clock that was set back since.
  const newest = newer.at(-1)?.[0] ?? Number.POSITIVE_INFINITY;
  const past = known.filter(([at]) => at <= newest);
  const last = past.at(-1)?.[0] ?? Number.NEGATIVE_INFINITY;
  const all = [...past, ...newer.filter(([at]) => at > last)];
  return all.filter(([at]) => at > now - HOUR_MS);
}

/**
 * Columns for the chart: seconds, then the values. A gap becomes a row of nulls, through which
 * the chart draws no line.
 *
 * @param {Sample[]} samples oldest first
 * @returns {[number[], ...Column[]]}
 */
export function toColumns(samples) {
  /** @type {[number[], ...Column[]]} */
  const result = [[], [], [], [], []];
  /** @param {Column} values */
  const add = (values) => {
    for (const [i, value] of values.entries()) result[i].push(/** @type {number} */ (value));
  };
  samples.forEach(([at, ...values], i) => {
    const before = samples[i - 1]?.[0];
    if (before !== undefined && at - before > GAP_MS) {
      add([(before + at) / 2000, null, null, null, null]);
    }
    add([at / 1000, ...values]);
  });
  return result;
}
