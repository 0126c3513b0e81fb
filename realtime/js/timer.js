/** One timer that can be set again and cleared. */

/** @typedef {import("./browser_environment.js").Environment} Environment */

const MAX_MS = 2e9; // browsers call back at once after more than 2 ** 31 - 1

export class Timer {
  #environment;
  /** @type {unknown} */
  #handle = null;

  /** @param {Environment} environment */
  constructor(environment) {
    this.#environment = environment;
  }

  /**
   * Call `callback` once after `ms`. Replaces the time that was set before.
   * @param {number} ms
   * @param {() => void} callback
   */
  set(ms, callback) {
    this.clear();
    this.#handle = this.#environment.setTimeout(
      () => {
        this.#handle = null;
        callback();
      },
      Math.min(ms, MAX_MS),
    );
  }

  clear() {
    this.#environment.clearTimeout(this.#handle);
    this.#handle = null;
  }

  get pending() {
    return this.#handle !== null;
  }
}
