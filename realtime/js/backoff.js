/**
 * How long to wait before the next attempt: exponential, capped, with full jitter.
 *
 * Full jitter (a delay drawn evenly between zero and the ceiling) spreads the clients of a
 * restarted server best, with the fewest attempts:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */

/**
 * @typedef {object} Backoff
 * @property {number} base ceiling of the first delay, ms
 * @property {number} factor growth of the ceiling from failure to failure
 * @property {number} cap the ceiling never exceeds this, ms
 * @property {number} jitter 1: anywhere up to the ceiling; 0: always the ceiling
 * @property {number} maxAttempts attempts in a row before the client gives up
 */

/** @type {Readonly<Backoff>} */
export const DEFAULTS = {
  base: 1000,
  factor: 2,
  cap: 30_000,
  jitter: 1,
  maxAttempts: Infinity,
};

/**
 * The delay in ms after `failures` earlier failures in a row (0: the first).
 * @param {number} failures
 * @param {Backoff} options
 * @param {() => number} random evenly from [0, 1)
 */
export function backoffDelay(failures, { base, factor, cap, jitter }, random) {
  return Math.min(cap, base * factor ** failures) * (1 - jitter * random());
}

/**
 * A random delay within a window of the server, in ms; null if `window` is not a valid one.
 * @param {unknown} window `[from, to]`, ms
 * @param {() => number} random evenly from [0, 1)
 */
export function delayWithin(window, random) {
  const [from, to] = /** @type {any[]} */ ([]).concat(window);
  if (!(from >= 0 && to >= from && to < Infinity)) return null;
  return from + (to - from) * random();
}
