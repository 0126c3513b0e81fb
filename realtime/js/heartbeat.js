/**
 * The heartbeat as a pure state machine: events and `now` in, actions out.
 *
 * The same machine as `realtime/protocol/heartbeat.py`; both run
 * `tests/vectors/heartbeat.json`. It reads no clock and owns no timer: the owner
 * calls `tick(now)` at `due` and performs the action that it returns.
 *
 *     alive ──miss──▶ unstable ──misses = maxMissed──▶ dead
 *       ▲  └────────no valid pong for sessionTimeout────▲ (from either)
 *       └──sign of life──┘
 *
 * Times are seconds of the owner's monotonic clock. Each deadline is computed from
 * the deadline before it, not from the tick that handled it, so lateness does not
 * add up.
 */

/** The state has no such event. The machine is unchanged. */
export class IllegalEvent extends Error {}

/** @typedef {"alive" | "unstable" | "dead"} HeartbeatState */
/** @typedef {"life" | "miss" | "last_miss" | "silence"} HeartbeatEvent */

/** @type {Readonly<Record<string, Readonly<Record<HeartbeatEvent, HeartbeatState>>>>} */
export const TRANSITIONS = Object.freeze({
  alive: { life: "alive", miss: "unstable", last_miss: "dead", silence: "dead" },
  unstable: { life: "alive", miss: "unstable", last_miss: "dead", silence: "dead" },
});

/**
 * @typedef {object} Policy All times in seconds.
 * @property {number} pingInterval
 * @property {number} pongTimeout
 * @property {number} maxMissed
 * @property {number} [sessionTimeout] without a valid pong; default: infinite
 * @property {boolean} [idleOnly] ping only after pingInterval without traffic
 */

/** @typedef {{type: "ping", sequence: number, missed: number}} SendPing */
/** @typedef {{type: "dead", missed: number}} Dead */

export class Heartbeat {
  #policy;
  #pingDue;
  #missDue = Infinity;
  #lastValid;
  /** @type {Map<number, number>} sequence → time sent, oldest first */
  #outstanding = new Map();
  /** @type {HeartbeatState} */
  #state = "alive";

  /** Overdue answers in a row. */
  missed = 0;
  /** The sequence of the newest ping. */
  sequence = 0;

  /**
   * @param {Policy} policy
   * @param {number} now
   * @param {{firstPing?: number}} [options] the delay of the first ping
   */
  constructor(policy, now, { firstPing = policy.pingInterval } = {}) {
    this.#policy = { sessionTimeout: Infinity, idleOnly: false, ...policy };
    this.#pingDue = now + firstPing;
    this.#lastValid = now;
  }

  get state() {
    return this.#state;
  }

  /**
   * Change the timeout of pings from now on.
   * @param {{pongTimeout: number}} policy s
   */
  adapt({ pongTimeout }) {
    this.#policy.pongTimeout = pongTimeout;
  }

  /** When to call `tick` next, s; infinity once dead. */
  get due() {
    if (this.#state === "dead") return Infinity;
    return Math.min(this.#pingDue, this.#missDue, this.#silenceDue);
  }

  /** The sequences whose pong would be valid, oldest first; at most `maxMissed`. */
  get outstanding() {
    return [...this.#outstanding.keys()];
  }

  get #silenceDue() {
    return this.#lastValid + this.#policy.sessionTimeout;
  }

  /**
   * The action due at `now`: send a ping, end, or none (null). Throws IllegalEvent once dead.
   * @param {number} now
   * @returns {SendPing | Dead | null}
   */
  tick(now) {
    this.#mustLive("tick");
    if (now >= this.#silenceDue) return this.#die("silence");
    if (now >= this.#missDue) return this.#miss(now);
    if (now >= this.#pingDue) return this.#ping(this.#pingDue, now);
    return null;
  }

  /**
   * Ping now, before it is due, and count a miss after `within` seconds (default: pongTimeout).
   * Throws IllegalEvent once dead.
   * @param {number} now
   * @param {{within?: number}} [options]
   */
  probe(now, { within = Infinity } = {}) {
    this.#mustLive("probe");
    const action = this.#ping(now, now);
    this.#missDue = Math.min(this.#missDue, now + within);
    return action;
  }

  /**
   * The latency in seconds; null, and no change, if the pong is not valid. Valid is the
   * first pong for a ping sent since the last valid one, among the newest `maxMissed`;
   * it answers the older pings, too. Throws IllegalEvent once dead.
   * @param {number} sequence
   * @param {number} now
   */
  pong(sequence, now) {
    this.#mustLive("pong");
    const sent = this.#outstanding.get(sequence);
    if (sent === undefined) return null;
    for (const older of this.outstanding) {
      if (older <= sequence) this.#outstanding.delete(older);
    }
    this.#lastValid = now;
    this.#live(now);
    return now - sent;
  }

  /**
   * Any other well-formed frame: a sign of life, but no proof that the peer reads.
   * @param {number} now
   */
  traffic(now) {
    this.#live(now);
  }

  /**
   * Shift every deadline: this process stood still and could not receive.
   * @param {number} seconds
   */
  excuse(seconds) {
    this.#pingDue += seconds;
    this.#missDue += seconds;
    this.#lastValid += seconds;
  }

  /** @param {number} now */
  #live(now) {
    this.#enter("life");
    this.missed = 0;
    this.#missDue = Infinity;
    if (this.#policy.idleOnly) this.#pingDue = now + this.#policy.pingInterval;
  }

  /**
   * @param {number} now
   * @returns {SendPing | Dead}
   */
  #miss(now) {
    this.missed += 1;
    if (this.missed >= this.#policy.maxMissed) return this.#die("last_miss");
    this.#enter("miss");
    const deadline = this.#missDue;
    this.#missDue = Infinity;
    return this.#ping(deadline, now);
  }

  /**
   * @param {number} due
   * @param {number} now
   * @returns {SendPing}
   */
  #ping(due, now) {
    this.sequence += 1;
    this.#outstanding.set(this.sequence, now);
    this.#outstanding.delete(this.sequence - this.#policy.maxMissed);
    // A miss is counted from the oldest ping without an answer or other life.
    this.#missDue = Math.min(this.#missDue, due + this.#policy.pongTimeout);
    this.#pingDue = due + this.#policy.pingInterval;
    // A whole interval late: skip the missed pings instead of sending a burst.
    if (this.#pingDue <= now) this.#pingDue = now + this.#policy.pingInterval;
    return { type: "ping", sequence: this.sequence, missed: this.missed };
  }

  /**
   * @param {HeartbeatEvent} event
   * @returns {Dead}
   */
  #die(event) {
    this.#enter(event);
    return { type: "dead", missed: this.missed };
  }

  /** @param {HeartbeatEvent} event */
  #enter(event) {
    const after = TRANSITIONS[this.#state]?.[event];
    if (after === undefined) throw new IllegalEvent(`${event} while ${this.#state}`);
    this.#state = after;
  }

  /** @param {string} event */
  #mustLive(event) {
    if (this.#state === "dead") throw new IllegalEvent(`${event} while dead`);
  }
}
