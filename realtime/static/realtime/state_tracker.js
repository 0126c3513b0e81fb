/** How a client stands: its state, since when, and why. */

import { next } from "./states.js";

/** @typedef {import("./states.js").ClientState} ClientState */

export class StateTracker {
  #elapsed;
  #since;
  /** @type {ClientState} */
  state = "disconnected";
  reason = "";

  /** @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed */
  constructor(elapsed) {
    this.#elapsed = elapsed;
    this.#since = elapsed.mark();
  }

  /** When the state began, in ms since the epoch. */
  get since() {
    return this.#elapsed.when(this.#since);
  }

  get isUp() {
    return this.state === "connected" || this.state === "unstable";
  }

  /** Not connected, and nothing on the way there. */
  get isAway() {
    return this.state === "disconnected" || this.state === "error";
  }

  /**
   * Throws IllegalEvent.
   * @param {import("./states.js").ClientEvent} event
   * @param {string} [reason]
   */
  move(event, reason = "") {
    const before = this.state;
    this.state = next(before, event);
    if (this.state !== before) this.#since = this.#elapsed.mark();
    this.reason = reason;
  }
}
