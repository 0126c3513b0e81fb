/** When to try again: counts the attempts, lets the delays grow, and waits. */

import { backoffDelay, momentIn } from "./backoff.js";
import { behaviour, isAlone, LOST } from "./codes.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

// A connection that ends sooner than this was no success: the delays go on growing, or
// a server that welcomes and drops would be called on without end.
const SETTLED_MS = 5000;

// Hope ends the waiting, but not more often than this after the attempt before; twice as
// rarely each time until there is a welcome: networks come and go, and tabs are looked through.
const HURRY_MS = 1000;
const MOST_HURRY_MS = 30_000;

export class ReconnectSchedule {
  #environment;
  #backoff;
  #attempt;
  #alarm;
  #failures = 0;
  /** @type {number | null} */
  #welcomedAt = null;

  #begunAt = -Infinity;
  #hurries = 0;
  #dueAt = 0;
  /** The server does not want to see anybody before. */
  #notBefore = 0;

  /** Attempts begun since the last welcome. */
  attempts = 0;

  /**
   * @param {Environment} environment
   * @param {import("./backoff.js").Backoff} backoff
   * @param {() => void} attempt
   */
  constructor(environment, backoff, attempt) {
    this.#environment = environment;
    this.#backoff = backoff;
    this.#attempt = attempt;
    this.#alarm = new Timer(environment);
  }

  get waiting() {
    return this.#alarm.pending;
  }

  /** When, in ms since the epoch by the wall clock as it goes now; null: not waiting. */
  get nextAttemptAt() {
    if (!this.waiting) return null;
    const { now, wall } = this.#environment;
    return Math.round(wall() + this.#dueAt - now());
  }

  get exhausted() {
    return this.attempts >= this.#backoff.maxAttempts;
  }

  /** An attempt begins. */
  begun() {
    this.cancel();
    this.attempts += 1;
    this.#begunAt = this.#environment.now();
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
    if (this.#settled) this.#failures = this.#hurries = 0;
    this.#welcomedAt = null;
    this.#wait(this.#delayAfter(code, delay));
    this.#notBefore = this.#environment.now() + (momentIn(delay, () => 0) ?? 0);
  }

  /**
   * There is new hope: do not wait the whole delay.
   * @returns {boolean} whether the delay is another now
   */
  hurry() {
    if (!this.waiting) return false;
    const floor = Math.min(MOST_HURRY_MS, HURRY_MS * 2 ** this.#hurries);
    const now = this.#environment.now();
    const soonest = Math.max(this.#begunAt + floor, this.#notBefore);
    if (this.#dueAt > now && this.#dueAt <= soonest) return false;
    this.#hurries += 1;
    const ms = Math.min(soonest, this.#dueAt) - now; // its timer may be late: no hope delays it
    if (ms > 0) this.#wait(ms);
    else this.#attempt();
    return ms > 0;
  }

  cancel() {
    this.#alarm.clear();
  }

  /** As if nothing had gone wrong yet. Who is waiting waits anew, for a first delay. */
  reset() {
    this.attempts = 0;
    this.#failures = 0;
    this.#hurries = 0;
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
    if (moment !== null && behaviour(code) === "soon" && !isAlone(code)) return moment;
    const ms = backoffDelay(this.#failures, this.#backoff, random);
    this.#failures += 1;
    return isAlone(code) ? Math.min(moment ?? ms, ms) : Math.max(moment ?? 0, ms);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#dueAt = this.#environment.now() + ms;
    this.#alarm.set(ms, this.#attempt);
  }
}
