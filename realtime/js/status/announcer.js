/**
 * Announces states to screen readers: those that last, not every change on the way.
 *
 * A page that loads and connects, or a loss that ends before its announcement, announces nothing.
 * A reconnect of fifty attempts is one announcement.
 */

/** @typedef {import("./view_model.js").DisplayState} DisplayState */

const SETTLED_MS = 1500;

export class Announcer {
  #ticker;
  #now;
  #announce;
  /** @type {DisplayState} the newest announced one; the good state needs no first announcement */
  #announced = "connected";
  /** @type {DisplayState | null} */
  #pending = null;
  #since = 0;
  #tick = () => {
    const state = this.#pending;
    if (state === null || this.#now() - this.#since < SETTLED_MS) return;
    this.stop();
    this.#announced = state;
    this.#announce(state);
  };

  /**
   * @param {import("./ticker.js").Ticker} ticker
   * @param {() => number} now monotonic, ms
   * @param {(state: DisplayState) => void} announce
   */
  constructor(ticker, now, announce) {
    this.#ticker = ticker;
    this.#now = now;
    this.#announce = announce;
  }

  /** @param {DisplayState} state the current one, changed or not */
  update(state) {
    if (state === this.#announced) return this.stop();
    if (state === this.#pending) return;
    this.#pending = state;
    this.#since = this.#now();
    this.#ticker.add(this.#tick);
  }

  stop() {
    this.#pending = null;
    this.#ticker.delete(this.#tick);
  }
}
