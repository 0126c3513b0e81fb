/** When to try again: counts the attempts, lets the delays grow, and waits. */

import { Alarm } from "./alarm.js";
import { backoffDelay, momentIn } from "./backoff.js";
import { behaviour, LOST } from "./codes.js";

/** @typedef {import("./environment.js").Environment} Environment */

// A connection that ends sooner than this was no success: the delays go on growing, or
// a server that welcomes and drops would be called on without end.
const SETTLED_MS = 5000;

export class Retry {
  #environment;
  #backoff;
  #attempt;
  #alarm;
  #failures = 0;
  /** @type {number | null} */
  #welcomedAt = null;

  /** Attempts begun since the last welcome. */
  attempts = 0;
  /** @type {number | null} ms since the epoch; null: not waiting */
  nextAttemptAt = null;

  /**
   * @param {Environment} environment
   * @param {import("./backoff.js").Backoff} backoff
   * @param {() => void} attempt
   */
  constructor(environment, backoff, attempt) {
    this.#environment = environment;
    this.#backoff = backoff;
    this.#attempt = attempt;
    this.#alarm = new Alarm(environment);
  }

  get waiting() {
    return this.#alarm.pending;
  }

  get exhausted() {
    return this.attempts >= this.#backoff.maxAttempts;
  }

  /** An attempt begins. */
  begun() {
    this.cancel();
    this.attempts += 1;
  }

  /** It was welcomed. */
  succeeded() {
    this.attempts = 0;
    this.#welcomedAt = this.#environment.now();
  }

  /**
   * It, or the connection it led to, has ended: try again in due time.
   * @param {number} code
   * @param {unknown} delay the window that the server gave
   */
  plan(code, delay) {
    if (this.#settled) this.#failures = 0;
    this.#welcomedAt = null;
    this.#wait(this.#delayAfter(code, delay));
  }

  cancel() {
    this.#alarm.clear();
    this.nextAttemptAt = null;
  }

  /** As if nothing had gone wrong yet. Who is waiting waits anew, for a first delay. */
  reset() {
    this.attempts = 0;
    this.#failures = 0;
    if (this.waiting) this.#wait(this.#delayAfter(LOST, null));
  }

  get #settled() {
    if (this.#welcomedAt === null) return false;
    return this.#environment.now() - this.#welcomedAt >= SETTLED_MS;
  }

  /**
   * @param {number} code
   * @param {unknown} delay
   */
  #delayAfter(code, delay) {
    const { random } = this.#environment;
    const moment = momentIn(delay, random);
    if (moment !== null && behaviour(code) === "soon") return moment;
    const ms = backoffDelay(this.#failures, this.#backoff, random);
    this.#failures += 1;
    return Math.max(moment ?? 0, ms);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.nextAttemptAt = this.#environment.wall() + ms;
    this.#alarm.set(ms, this.#attempt);
  }
}
