/** The one timer of all elements on a page: a tick a second, and none while nobody listens. */

import { environment } from "../browser_environment.js";
import { Timer } from "../timer.js";

const SECOND = 1000;

export class Ticker {
  #environment;
  #alarm;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {import("../browser_environment.js").Environment} environment */
  constructor(environment) {
    this.#environment = environment;
    this.#alarm = new Timer(environment);
  }

  get running() {
    return this.#alarm.pending;
  }

  /** @param {() => void} listener */
  add(listener) {
    this.#listeners.add(listener);
    if (!this.running) this.#arm();
  }

  /** @param {() => void} listener */
  delete(listener) {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#alarm.clear();
  }

  /** On the full second of the clock: whatever counts down then counts in steps of one. */
  #arm() {
    this.#alarm.set(SECOND - (this.#environment.wall() % SECOND), () => this.#tick());
  }

  #tick() {
    this.#arm();
    for (const listener of [...this.#listeners]) listener();
  }
}

export const ticker = new Ticker(environment({}));
