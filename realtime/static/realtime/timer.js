/** One timer that can be set again and cleared. */

/** @typedef {import("./browser_environment.js").Environment} Environment */

export class Timer {
  #environment;
  /** @type {unknown} */
  #timer = null;

  /** @param {Environment} environment */
  constructor(environment) {
    this.#environment = environment;
  }

  /**
   * @param {number} ms
   * @param {() => void} callback
   */
  set(ms, callback) {
    this.clear();
    this.#timer = this.#environment.setTimeout(() => {
      this.#timer = null;
      callback();
    }, ms);
  }

  clear() {
    this.#environment.clearTimeout(this.#timer);
    this.#timer = null;
  }

  get pending() {
    return this.#timer !== null;
  }
}
