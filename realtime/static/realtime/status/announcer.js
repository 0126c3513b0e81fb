/**
 * What a screen reader is told: states that last, not every turn on the way there.
 *
 * A page that loads and connects says nothing, nor does a hiccup that is over
 * before it was spoken of; a reconnect of fifty attempts is one announcement.
 */

/** @typedef {import("./view_model.js").Look} Look */

const SETTLED_MS = 1500;

export class Announcer {
  #ticker;
  #now;
  #say;
  /** @type {Look} what the listener believes; nobody has to be told that all is well */
  #believed = "connected";
  /** @type {Look | null} */
  #pending = null;
  #since = 0;
  #tick = () => this.#judge();

  /**
   * @param {import("./ticker.js").Ticker} ticker
   * @param {() => number} now monotonic, ms
   * @param {(state: Look) => void} say
   */
  constructor(ticker, now, say) {
    this.#ticker = ticker;
    this.#now = now;
    this.#say = say;
  }

  /** @param {Look} state as it is now; call it as often as you like */
  hear(state) {
    if (state === this.#believed) return this.stop();
    if (state === this.#pending) return;
    this.#pending = state;
    this.#since = this.#now();
    this.#ticker.add(this.#tick);
  }

  stop() {
    this.#pending = null;
    this.#ticker.delete(this.#tick);
  }

  #judge() {
    const state = this.#pending;
    if (state === null || this.#now() - this.#since < SETTLED_MS) return;
    this.stop();
    this.#believed = state;
    this.#say(state);
  }
}
