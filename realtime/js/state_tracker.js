/** The current state of a client, since when it lasts, its reason, its newest error, and its pings. */

import { LOST, RESTARTS } from "./codes.js";

/** @typedef {"disconnected" | "connecting" | "connected" | "unstable" | "error"} ClientState */

export class StateTracker {
  #clock;
  #since;
  #connectedSince;
  /** After the first one. */
  #reconnects = -1;
  /** Fields of `Stats`: since the page was loaded, over all connections. */
  #pings = {
    latency: /** @type {number | null} */ (null),
    pings: 0,
    lastPingAt: /** @type {number | null} */ (null),
    pongs: 0,
    lastPongAt: /** @type {number | null} */ (null),
    misses: 0,
  };
  /** @type {ClientState} */
  state = "disconnected";
  reason = "";
  /** @type {import("./events.js").LastError | null} */
  lastError = null;
  /** The server announced a restart. Lost connections do not change `lastError` meanwhile. */
  isRestarting = false;

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
      reconnects: Math.max(0, this.#reconnects),
      transport: isUp ? /** @type {const} */ ("websocket") : null,
      ...this.#pings,
      lastError: this.lastError,
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

  /** An attempt or a connection has ended. @param {import("./events.js").LastError} error */
  onError(error) {
    if (error.code === LOST && this.isRestarting) return;
    this.isRestarting = RESTARTS.includes(error.code);
    this.lastError = error;
  }

  /** The server has sent a ping. */
  onPing() {
    this.#pings.pings += 1;
    this.#pings.lastPingAt = this.#clock.timestamp().wall;
  }

  /** @param {number | null} latency of the client's own ping, ms; null: no answer in time */
  onLatency(latency) {
    if (latency === null) this.#pings.misses += 1;
    else {
      this.#pings.latency = latency;
      this.#pings.pongs += 1;
      this.#pings.lastPongAt = this.#clock.timestamp().wall;
    }
  }

  /** @param {ClientState} state @param {string} [reason] */
  enter(state, reason = "") {
    const wasUp = this.isUp;
    if (state !== this.state) this.#since = this.#clock.timestamp();
    this.state = state;
    this.reason = reason;
    if (wasUp || !this.isUp) return;
    this.#connectedSince = this.#since;
    this.#reconnects += 1;
  }
}
