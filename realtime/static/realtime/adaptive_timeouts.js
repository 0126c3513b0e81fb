/**
 * How long to wait for an answer: as on a quick line at least, longer on one that was
 * measured to be slow, never without a bound.
 */

const OPENING_MS = 10_000;
const MOST_OPENING_MS = 60_000;
const ROUND_TRIPS = 2; // a line that is as slow once more than it was is not lost
const OPENING_ROUND_TRIPS = 5; // connecting, TLS, the handshake, and what is slower than before

export class AdaptiveTimeouts {
  #roundTrip = 0; // ms; rises at once, falls by halves
  #isRough = true;
  #most = 30_000; // ms until the server, too, takes a line for lost
  #timeouts = 0;

  /** For a part of an attempt, ms: until the socket is open, and from there to the welcome. */
  get opening() {
    const least = Math.max(OPENING_MS, OPENING_ROUND_TRIPS * this.#roundTrip);
    return Math.min(MOST_OPENING_MS, least * 2 ** this.#timeouts);
  }

  /**
   * For the answer of a server that is there, ms.
   * @param {number} least on a quick line
   */
  answer(least) {
    return Math.max(least, Math.min(this.#most, ROUND_TRIPS * this.#roundTrip));
  }

  /** An attempt was given up: the next one waits twice as long, or a slow line never opens. */
  gaveUp() {
    this.#timeouts += 1;
  }

  /**
   * @param {{pong_timeout: number, max_missed?: number}} welcome
   * @param {number} took ms from the hello; the server may have let it wait
   */
  welcomed({ pong_timeout, max_missed = 3 }, took) {
    this.#most = pong_timeout * max_missed;
    this.#timeouts = 0;
    this.#roundTrip = took;
    this.#isRough = true;
  }

  /** @param {number} latency ms, of a ping */
  measured(latency) {
    const before = this.#isRough ? 0 : this.#roundTrip;
    this.#isRough = false;
    this.#roundTrip = Math.max(latency, (before + latency) / 2);
  }
}
