/** A line chart of the newest latencies; pings without an answer are gaps. */

/** @typedef {(number | null)[]} Samples ms, oldest first; null: no answer */

// A lower top would turn the jitter of a local network into peaks.
const MIN_TOP_MS = 10;
// Fewer samples do not fill the width: two of them are no trend.
const MIN_SAMPLES = 12;

/**
 * The `d` of an SVG path: 0 ms at the bottom, the slowest at the top, the newest at the right.
 * @param {Samples} samples
 * @param {{width: number, height: number}} box
 */
export function sparkline(samples, { width, height }) {
  const top = Math.max(MIN_TOP_MS, ...answered(samples));
  const step = width / (Math.max(samples.length, MIN_SAMPLES) - 1);
  const first = width - step * (samples.length - 1);
  const isGap = (/** @type {number} */ i) => typeof samples[i] !== "number";
  const segments = samples.map((ms, i) => {
    if (ms === null) return "";
    const point = `${round(first + i * step)} ${round(height - (ms / top) * height)}`;
    if (!isGap(i - 1)) return `L${point}`;
    return isGap(i + 1) ? `M${point}h0` : `M${point}`; // a line of no length with round ends is a dot
  });
  return segments.join("");
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/** The samples that are no misses. @param {Samples} samples */
export function answered(samples) {
  return samples.filter((ms) => ms !== null);
}
