/**
 * How long to wait for an answer. A fast connection gets the minimum; a slow one gets a
 * multiple of its measured round trip. Every wait has an upper bound.
 */

const MAX_ATTEMPT_MS = 60_000;
const ANSWER_ROUND_TRIPS = 2; // a connection that becomes twice as slow is not lost
const ATTEMPT_ROUND_TRIPS = 5; // TCP, TLS and the handshake, each slower than measured

export class AdaptiveTimeouts {
  #attemptMs;
  #roundTrip = 0; // ms; rises at once, falls by half with each faster answer
  #isEstimate = true;
  #maxAnswerMs = 30_000; // after this the server, too, takes the client for lost
  #attemptTimeouts = 0;

  /** @param {number} [attemptMs] for each half of a first attempt on a fast connection */
  constructor(attemptMs = 10_000) {
    this.#attemptMs = attemptMs;
  }

  /** For each half of an attempt, ms: until the socket opens, then until the welcome. */
  get attemptMs() {
    const least = this.openingMs(this.#attemptMs);
    return Math.min(MAX_ATTEMPT_MS, least * 2 ** this.#attemptTimeouts);
  }

  /**
   * For a connection that has to be made first, ms.
   * @param {number} least ms on a fast line
   */
  openingMs(least) {
    return Math.max(least, ATTEMPT_ROUND_TRIPS * this.#roundTrip);
  }

  /**
   * For an answer on an established connection, ms.
   * @param {number} least ms on a fast connection
   */
  answerMs(least) {
    return Math.max(least, Math.min(this.#maxAnswerMs, ANSWER_ROUND_TRIPS * this.#roundTrip));
  }

  /** An attempt timed out: the next one waits twice as long, so that a slow line can open. */
  onAttemptTimeout() {
    this.#attemptTimeouts += 1;
  }

  /**
   * @param {{pong_timeout: number, max_missed?: number}} welcome `pong_timeout` in ms
   * @param {number} took ms from hello to welcome; may include the server's own delay
   */
  onWelcome({ pong_timeout, max_missed = 3 }, took) {
    this.#maxAnswerMs = pong_timeout * max_missed;
    this.#attemptTimeouts = 0;
    this.#roundTrip = took;
    this.#isEstimate = true;
  }

  /** @param {number} latency ms, of an answered ping; the first one replaces the estimate */
  onLatency(latency) {
    const before = this.#isEstimate ? 0 : this.#roundTrip;
    this.#isEstimate = false;
    this.#roundTrip = Math.max(latency, (before + latency) / 2);
  }
}
