/** Pings since the page was loaded, over all connections: counts, newest times and latency. */
/** The fields are part of `Stats`. */
export class PingCounters {
    /** @type {number | null} of the newest answered ping, ms */
    latency: number | null;
    /** Pings of the server; the client answers each. */
    pings: number;
    /** @type {number | null} of the server's newest ping, ms since the epoch */
    lastPingAt: number | null;
    /** Answers to the client's own pings. */
    pongs: number;
    /** @type {number | null} of the newest answer to an own ping, ms since the epoch */
    lastPongAt: number | null;
    /** The client's own pings without an answer in time. */
    misses: number;
    /** @param {number} at ms since the epoch */
    onPing(at: number): void;
    /**
     * @param {number | null} latency of the client's own ping, ms; null: no answer in time
     * @param {number} at ms since the epoch
     */
    onLatency(latency: number | null, at: number): void;
}
