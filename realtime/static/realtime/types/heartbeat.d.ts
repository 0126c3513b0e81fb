/**
 * The heartbeat as a pure machine: events and `now` in, actions out.
 *
 * The same machine as `realtime/protocol/heartbeat.py`; both run
 * `tests/vectors/heartbeat.json`. It reads no clock and owns no timer: the owner
 * calls `tick(now)` when `due` has come and does what it answers.
 *
 *     alive ──miss──▶ unstable ──misses = maxMissed──▶ dead
 *       ▲  └────────no valid pong for sessionTimeout────▲ (from either)
 *       └──sign of life──┘
 *
 * Times are seconds of the owner's monotonic clock. Every deadline follows from
 * the deadline before it, not from the tick that served it, so lateness does not
 * add up.
 */
/** An event that the state does not know. Nothing has changed. */
export class IllegalEvent extends Error {
}
/** @typedef {"alive" | "unstable" | "dead"} HeartbeatState */
/** @typedef {"life" | "miss" | "last_miss" | "silence"} HeartbeatEvent */
/** @type {Readonly<Record<string, Readonly<Record<HeartbeatEvent, HeartbeatState>>>>} */
export const TRANSITIONS: Readonly<Record<string, Readonly<Record<HeartbeatEvent, HeartbeatState>>>>;
/**
 * @typedef {object} Policy The numbers of a heartbeat, in seconds.
 * @property {number} pingInterval
 * @property {number} pongTimeout
 * @property {number} maxMissed
 * @property {number} [sessionTimeout] default: for ever
 * @property {boolean} [idleOnly] ping only a line that is silent for pingInterval
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
    /** Answers overdue in a row. */
    missed: number;
    /** The sequence of the newest ping. */
    sequence: number;
    get state(): HeartbeatState;
    /**
     * Another patience, for the pings from now on: the line is not what it was.
     * @param {{pongTimeout: number}} patience s
     */
    adapt({ pongTimeout }: {
        pongTimeout: number;
    }): void;
    /** When the machine next wants to be asked; infinity once dead. */
    get due(): number;
    /** The sequences whose pong would be valid, oldest first; at most `maxMissed`. */
    get outstanding(): number[];
    /**
     * What is due at `now`: a ping to send, the end, or nothing. Throws once dead.
     * @param {number} now
     * @returns {SendPing | Dead | null}
     */
    tick(now: number): SendPing | Dead | null;
    /**
     * Ping now, out of turn, and count a miss after `within` seconds (pongTimeout).
     * @param {number} now
     * @param {{within?: number}} [options]
     */
    probe(now: number, { within }?: {
        within?: number;
    }): SendPing;
    /**
     * The latency in seconds if the pong is valid, else null and nothing has changed.
     * Valid is the first pong for a ping sent since the last valid one, among the
     * newest `maxMissed`; it settles the older ones too.
     * @param {number} sequence
     * @param {number} now
     */
    pong(sequence: number, now: number): number | null;
    /**
     * Any other well-formed frame has come: a sign of life, but no proof of reading.
     * @param {number} now
     */
    traffic(now: number): void;
    /**
     * Shift every deadline: this process itself stood still and could hear nobody.
     * @param {number} seconds
     */
    excuse(seconds: number): void;
    #private;
}
export type HeartbeatState = "alive" | "unstable" | "dead";
export type HeartbeatEvent = "life" | "miss" | "last_miss" | "silence";
/**
 * The numbers of a heartbeat, in seconds.
 */
export type Policy = {
    pingInterval: number;
    pongTimeout: number;
    maxMissed: number;
    /**
     * default: for ever
     */
    sessionTimeout?: number | undefined;
    /**
     * ping only a line that is silent for pingInterval
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
