/** The current state of a client, since when it lasts, and its reason. */

import { nextState } from "./states.js";

/** @typedef {import("./states.js").ClientState} ClientState */

export class StateTracker {
  #clock;
  #since;
  /** @type {ClientState} */
  state = "disconnected";
  reason = "";

  /** @param {import("./sleep_aware_clock.js").SleepAwareClock} clock */
  constructor(clock) {
    this.#clock = clock;
    this.#since = clock.timestamp();
  }

  /** When the state began, in ms since the epoch. */
  get since() {
    return this.#clock.toEpochMs(this.#since);
  }

  /** Welcomed by the server, also while a probe is unanswered. */
  get isUp() {
    return this.state === "connected" || this.state === "unstable";
  }

  /** Not connected, and no attempt is under way or scheduled. */
  get isIdle() {
    return this.state === "disconnected" || this.state === "error";
  }

  /**
   * Change the state by an event. Throws IllegalEvent if the state has no such event.
   * @param {import("./states.js").ClientEvent} event
   * @param {string} [reason]
   */
  apply(event, reason = "") {
    const before = this.state;
    this.state = nextState(before, event);
    if (this.state !== before) this.#since = this.#clock.timestamp();
    this.reason = reason;
  }
}
