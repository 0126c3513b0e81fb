/** What was counted and measured since the page was loaded, over all connections. */
/** @typedef {import("./events.js").LastError} LastError */
export class PingCounters {
    /** @type {number | null} of the newest answered ping, ms */
    latency: number | null;
    pings: number;
    pongs: number;
    misses: number;
    /** @param {number | null} latency of a ping of our own, ms; null: not answered in time */
    measured(latency: number | null): void;
}
export type LastError = import("./events.js").LastError;
