/** Keeps the client's messages and requests below the server's limit of frames: one token bucket. */

import { Timer } from "./timer.js";

const BURST = 20; // frames
const SHARE = 0.8; // of the server's limit: the rest is for pings and other frames
const DEFAULT_PER_SECOND = 100; // until a welcome names the server's limit

export class SendRate {
  #environment;
  #timer;
  #perMs = (DEFAULT_PER_SECOND * SHARE) / 1000;
  #tokens = BURST;
  #filledAt;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {import("./browser_environment.js").Environment} environment */
  constructor(environment) {
    this.#environment = environment;
    this.#timer = new Timer(environment);
    this.#filledAt = environment.now();
  }

  /** @param {number} perSecond the server's limit */
  setLimit(perSecond) {
    if (perSecond > 0) this.#perMs = (perSecond * SHARE) / 1000;
  }

  /**
   * Take the right to send one frame.
   * @param {() => void} onTurn if there is none now: called once when there may be one
   * @returns {boolean} whether there was one
   */
  take(onTurn) {
    const now = this.#environment.now();
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return true;
    }
    this.#waiting.add(onTurn);
    this.#timer.set(Math.ceil((1 - this.#tokens) / this.#perMs), () => this.#continue());
    return false;
  }

  /** The one that came last goes first, and is before the others next time: so they take turns. */
  #continue() {
    const waiting = [...this.#waiting].reverse();
    this.#waiting.clear();
    for (const onTurn of waiting) onTurn();
  }
}
