/** The client's own pings. At most one is outstanding; all callers share it. */

import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {{send: (frame: object) => void, onMiss: () => void}} PingsCallbacks */
/** @typedef {{resolve: (latency: number) => void, reject: (error: Error) => void}} Waiter */

export class Pings {
  #environment;
  #callbacks;
  #timeoutMs;
  #timer;
  #sequence = 0;
  #sentAt = 0;
  /** @type {Waiter[] | null} the callers of `measure()`; null: no ping is outstanding */
  #waiters = null;

  /**
   * @param {Environment} environment
   * @param {() => number} timeoutMs the wait for an answer, read at each ping
   * @param {PingsCallbacks} callbacks
   */
  constructor(environment, timeoutMs, callbacks) {
    this.#environment = environment;
    this.#callbacks = callbacks;
    this.#timeoutMs = timeoutMs;
    this.#timer = new Timer(environment);
  }

  /** Send a ping, unless one is outstanding. */
  send() {
    if (this.#waiters) return;
    this.#waiters = [];
    this.#sequence += 1;
    this.#sentAt = this.#environment.now();
    this.#timer.set(this.#timeoutMs(), () => this.#miss());
    const client_time = this.#environment.wall();
    this.#callbacks.send({ type: "ping", sequence: this.#sequence, client_time });
  }

  /** @returns {Promise<number>} the latency in ms; rejected at the timeout or by `rejectAll` */
  measure() {
    this.send();
    return new Promise((resolve, reject) => {
      if (this.#waiters) this.#waiters.push({ resolve, reject });
      else reject(new Error("the connection has ended")); // a listener to the ping ended it
    });
  }

  /**
   * The latency in ms, or null if the pong does not answer the outstanding ping.
   * @param {unknown} sequence
   */
  onPong(sequence) {
    if (!this.#waiters || sequence !== this.#sequence) return null;
    const latency = this.#environment.now() - this.#sentAt;
    for (const { resolve } of this.#takeWaiters()) resolve(latency);
    return latency;
  }

  /**
   * Forget the outstanding ping; its callers get an Error.
   * @param {string} reason
   */
  rejectAll(reason) {
    for (const { reject } of this.#takeWaiters()) reject(new Error(reason));
  }

  #miss() {
    this.rejectAll("no answer to the ping");
    this.#callbacks.onMiss();
  }

  #takeWaiters() {
    const waiters = this.#waiters ?? [];
    this.#waiters = null;
    this.#timer.clear();
    return waiters;
  }
}
