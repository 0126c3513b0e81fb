/** When to connect again: counts attempts, grows the delays, and runs the timer. */

import { backoffDelay, delayWithin } from "./backoff.js";
import { HEARTBEAT_TIMEOUT, LOST, SOON } from "./codes.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

// A connection that ends sooner was no success and the delays go on growing. Otherwise a server
// that welcomes and drops its clients would get attempts without end.
const SETTLED_MS = 5000;

// `advance()` starts the next attempt at the earliest so long after the one before; the time
// doubles until the next welcome, because networks come and go and users look through tabs.
const ADVANCE_MS = 1000;
const MAX_ADVANCE_MS = 30_000;

export class ReconnectSchedule {
  #environment;
  #backoff;
  #attempt;
  #timer;
  #failures = 0;
  /** Of the connection that is up; infinity: there is none. */
  #welcomedAt = Infinity;
  #attemptedAt = -Infinity;
  #advances = 0;
  #dueAt = 0;
  /** The lower bound of the server's `delay`. */
  #notBefore = 0;

  /** Attempts begun since the last welcome. */
  attempts = 0;

  /**
   * @param {Environment} environment
   * @param {import("./backoff.js").Backoff} backoff
   * @param {() => void} attempt begins the next attempt; has to call `onAttempt()`
   */
  constructor(environment, backoff, attempt) {
    this.#environment = environment;
    this.#backoff = backoff;
    this.#attempt = attempt;
    this.#timer = new Timer(environment);
  }

  get waiting() {
    return this.#timer.pending;
  }

  /** Fields of the client's `Stats`. */
  get stats() {
    const wait = this.#dueAt - this.#environment.now();
    return {
      attempts: this.attempts,
      maxAttempts: this.#backoff.maxAttempts,
      // By the wall clock as it is set now.
      nextAttemptAt: this.waiting ? Math.round(this.#environment.wall() + wait) : null,
    };
  }

  get exhausted() {
    return this.attempts >= this.#backoff.maxAttempts;
  }

  onAttempt() {
    this.cancel();
    this.attempts += 1;
    this.#attemptedAt = this.#environment.now();
  }

  onWelcome() {
    this.attempts = 0;
    this.#welcomedAt = this.#environment.now();
  }

  /**
   * Schedule the next attempt after an attempt or a connection ended.
   * @param {number} code
   * @param {unknown} delay the server's window `[from, to]`, ms
   */
  schedule(code, delay) {
    const now = this.#environment.now();
    if (now - this.#welcomedAt >= SETTLED_MS) this.#failures = this.#advances = 0;
    this.#welcomedAt = Infinity;
    this.#wait(this.#delayAfter(code, delay));
    this.#notBefore = now + (delayWithin(delay, () => 0) ?? 0);
  }

  /**
   * Attempt sooner, because it may succeed now: at once, or after the shortest wait allowed.
   * @returns {boolean} whether it waits for another time than before
   */
  advance() {
    if (!this.waiting) return false;
    const pause = Math.min(MAX_ADVANCE_MS, ADVANCE_MS * 2 ** this.#advances);
    const now = this.#environment.now();
    const soonest = Math.max(this.#attemptedAt + pause, this.#notBefore);
    if (this.#dueAt > now && this.#dueAt <= soonest) return false;
    this.#advances += 1;
    const ms = Math.min(soonest, this.#dueAt) - now; // a late timer is never delayed further
    if (ms > 0) this.#wait(ms);
    else this.#attempt();
    return ms > 0;
  }

  cancel() {
    this.#timer.clear();
  }

  /** Forget failures and attempts; a waiting schedule starts again with a first delay. */
  reset() {
    this.attempts = this.#failures = this.#advances = 0;
    if (this.waiting) this.#wait(this.#delayAfter(LOST, null));
  }

  /**
   * @param {number} code
   * @param {unknown} delay
   */
  #delayAfter(code, delay) {
    const { random } = this.#environment;
    const fromServer = delayWithin(delay, random);
    if (fromServer !== null && SOON.includes(code)) return fromServer;
    const ms = backoffDelay(this.#failures, this.#backoff, random);
    this.#failures += 1;
    if (code === HEARTBEAT_TIMEOUT) return Math.min(fromServer ?? ms, ms);
    return Math.max(fromServer ?? 0, ms);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#dueAt = this.#environment.now() + ms;
    this.#timer.set(ms, this.#attempt);
  }
}
