/** Counts of pings and the newest latency since the page was loaded, over all connections. */

/** The fields are part of `Stats`. */
export class PingCounters {
  /** @type {number | null} of the newest answered ping, ms */
  latency = null;
  /** Pings of the server; the client answers each. */
  pings = 0;
  /** Answers to the client's own pings. */
  pongs = 0;
  /** The client's own pings without an answer in time. */
  misses = 0;

  /** @param {number | null} latency of the client's own ping, ms; null: no answer in time */
  onLatency(latency) {
    if (latency === null) {
      this.misses += 1;
    } else {
      this.latency = latency;
      this.pongs += 1;
    }
  }
}
