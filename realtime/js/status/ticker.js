/** The one timer of all elements on a page: a tick each second while there are listeners. */

import { browserEnvironment } from "../browser_environment.js";
import { Timer } from "../timer.js";

const SECOND_MS = 1000;

export class Ticker {
  #environment;
  #timer;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {import("../browser_environment.js").Environment} environment */
  constructor(environment) {
    this.#environment = environment;
    this.#timer = new Timer(environment);
  }

  get running() {
    return this.#timer.pending;
  }

  /** @param {() => void} listener */
  add(listener) {
    this.#listeners.add(listener);
    if (!this.running) this.#setTimer();
  }

  /** @param {() => void} listener */
  delete(listener) {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#timer.clear();
  }

  /** At full seconds of the wall clock, so that countdowns decrease by one at each tick. */
  #setTimer() {
    this.#timer.set(SECOND_MS - (this.#environment.wall() % SECOND_MS), () => {
      this.#setTimer();
      for (const listener of [...this.#listeners]) listener();
    });
  }
}

export const ticker = new Ticker(browserEnvironment({}));
