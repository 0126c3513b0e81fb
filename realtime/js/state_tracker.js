/** The current state of a client, since when it lasts, and its reason. */

import { nextState } from "./states.js";

/** @typedef {import("./states.js").ClientState} ClientState */

export class StateTracker {
  #clock;
  #since;
  #connectedSince;
  #connections = 0;
  /** @type {ClientState} */
  state = "disconnected";
  reason = "";

  /** @param {import("./sleep_aware_clock.js").SleepAwareClock} clock */
  constructor(clock) {
    this.#clock = clock;
    this.#since = this.#connectedSince = clock.timestamp();
  }

  /** Fields of the client's `Stats`. */
  get stats() {
    const { isUp } = this;
    return {
      state: this.state,
      reason: this.reason,
      stateSince: this.#clock.toEpochMs(this.#since),
      connectedSince: isUp ? this.#clock.toEpochMs(this.#connectedSince) : null,
      reconnects: Math.max(0, this.#connections - 1),
      transport: isUp ? /** @type {const} */ ("websocket") : null,
    };
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
    if (event === "welcome") {
      this.#connectedSince = this.#since;
      this.#connections += 1;
    }
    this.reason = reason;
  }
}
