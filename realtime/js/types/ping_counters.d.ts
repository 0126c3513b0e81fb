/** Counts of pings and the newest latency since the page was loaded, over all connections. */
/** The fields are part of `Stats`. */
export class PingCounters {
    /** @type {number | null} of the newest answered ping, ms */
    latency: number | null;
    /** Pings of the server; the client answers each. */
    pings: number;
    /** Answers to the client's own pings. */
    pongs: number;
    /** The client's own pings without an answer in time. */
    misses: number;
    /** @param {number | null} latency of the client's own ping, ms; null: no answer in time */
    onLatency(latency: number | null): void;
}
