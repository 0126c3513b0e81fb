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
export class IllegalEvent extends Error {
}
/** @typedef {"alive" | "unstable" | "dead"} HeartbeatState */
/** @typedef {"life" | "miss" | "last_miss" | "silence"} HeartbeatEvent */
/** @type {Readonly<Record<string, Readonly<Record<HeartbeatEvent, HeartbeatState>>>>} */
export const TRANSITIONS: Readonly<Record<string, Readonly<Record<HeartbeatEvent, HeartbeatState>>>>;
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
    /**
     * @param {Policy} policy
     * @param {number} now
     * @param {{firstPing?: number}} [options] the delay of the first ping
     */
    constructor(policy: Policy, now: number, { firstPing }?: {
        firstPing?: number;
    });
    /** Overdue answers in a row. */
    missed: number;
    /** The sequence of the newest ping. */
    sequence: number;
    get state(): HeartbeatState;
    /**
     * Change the timeout of pings from now on.
     * @param {{pongTimeout: number}} policy s
     */
    adapt({ pongTimeout }: {
        pongTimeout: number;
    }): void;
    /** When to call `tick` next, s; infinity once dead. */
    get due(): number;
    /** The sequences whose pong would be valid, oldest first; at most `maxMissed`. */
    get outstanding(): number[];
    /**
     * The action due at `now`: send a ping, end, or none (null). Throws IllegalEvent once dead.
     * @param {number} now
     * @returns {SendPing | Dead | null}
     */
    tick(now: number): SendPing | Dead | null;
    /**
     * Ping now, before it is due, and count a miss after `within` seconds (default: pongTimeout).
     * Throws IllegalEvent once dead.
     * @param {number} now
     * @param {{within?: number}} [options]
     */
    probe(now: number, { within }?: {
        within?: number;
    }): SendPing;
    /**
     * The latency in seconds; null, and no change, if the pong is not valid. Valid is the
     * first pong for a ping sent since the last valid one, among the newest `maxMissed`;
     * it answers the older pings, too. Throws IllegalEvent once dead.
     * @param {number} sequence
     * @param {number} now
     */
    pong(sequence: number, now: number): number | null;
    /**
     * Any other well-formed frame: a sign of life, but no proof that the peer reads.
     * @param {number} now
     */
    traffic(now: number): void;
    /**
     * Shift every deadline: this process stood still and could not receive.
     * @param {number} seconds
     */
    excuse(seconds: number): void;
    #private;
}
export type HeartbeatState = "alive" | "unstable" | "dead";
export type HeartbeatEvent = "life" | "miss" | "last_miss" | "silence";
/**
 * All times in seconds.
 */
export type Policy = {
    pingInterval: number;
    pongTimeout: number;
    maxMissed: number;
    /**
     * without a valid pong; default: infinite
     */
    sessionTimeout?: number | undefined;
    /**
     * ping only after pingInterval without traffic
     */
    idleOnly?: boolean | undefined;
};
export type SendPing = {
    type: "ping";
    sequence: number;
    missed: number;
};
export type Dead = {
    type: "dead";
    missed: number;
};
