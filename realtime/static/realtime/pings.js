/** The client's own pings: at most one is outstanding, whoever asks. */

import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {{send: (frame: object) => void, missed: () => void}} PingsCallbacks */
/** @typedef {{resolve: (latency: number) => void, reject: (error: Error) => void}} Waiter */

export class Pings {
  #environment;
  #owner;
  #patience;
  #alarm;
  #sequence = 0;
  #sentAt = 0;
  /** @type {Waiter[] | null} who waits for the outstanding ping; null: none is outstanding */
  #waiters = null;

  /**
   * @param {Environment} environment
   * @param {() => number} patience ms after which an unanswered ping is given up
   * @param {PingsCallbacks} owner
   */
  constructor(environment, patience, owner) {
    this.#environment = environment;
    this.#owner = owner;
    this.#patience = patience;
    this.#alarm = new Timer(environment);
  }

  /** Send a ping, unless one is already on its way. */
  send() {
    if (this.#waiters) return;
    this.#waiters = [];
    this.#sequence += 1;
    this.#sentAt = this.#environment.now();
    this.#alarm.set(this.#patience(), () => this.#miss());
    const client_time = this.#environment.wall();
    this.#owner.send({ type: "ping", sequence: this.#sequence, client_time });
  }

  /** @returns {Promise<number>} the latency in ms */
  ask() {
    this.send();
    return new Promise((resolve, reject) => {
      if (this.#waiters) this.#waiters.push({ resolve, reject });
      else reject(new Error("the connection has ended")); // by a listener to the ping
    });
  }

  /**
   * The latency in ms that a pong proves, or null if nobody waits for it.
   * @param {unknown} sequence
   */
  answer(sequence) {
    if (!this.#waiters || sequence !== this.#sequence) return null;
    const latency = this.#environment.now() - this.#sentAt;
    for (const { resolve } of this.#settle()) resolve(latency);
    return latency;
  }

  /** @param {string} reason */
  abandon(reason) {
    for (const { reject } of this.#settle()) reject(new Error(reason));
  }

  #miss() {
    this.abandon("no answer to the ping");
    this.#owner.missed();
  }

  #settle() {
    const waiters = this.#waiters ?? [];
    this.#waiters = null;
    this.#alarm.clear();
    return waiters;
  }
}
