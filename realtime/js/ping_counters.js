/** Pings since the page was loaded, over all connections: counts, newest times and latency. */

/** The fields are part of `Stats`. */
export class PingCounters {
  /** @type {number | null} of the newest answered ping, ms */
  latency = null;
  /** Pings of the server; the client answers each. */
  pings = 0;
  /** @type {number | null} of the server's newest ping, ms since the epoch */
  lastPingAt = null;
  /** Answers to the client's own pings. */
  pongs = 0;
  /** @type {number | null} of the newest answer to an own ping, ms since the epoch */
  lastPongAt = null;
  /** The client's own pings without an answer in time. */
  misses = 0;

  /** @param {number} at ms since the epoch */
  onPing(at) {
    this.pings += 1;
    this.lastPingAt = at;
  }

  /**
   * @param {number | null} latency of the client's own ping, ms; null: no answer in time
   * @param {number} at ms since the epoch
   */
  onLatency(latency, at) {
    if (latency === null) {
      this.misses += 1;
    } else {
      this.latency = latency;
      this.pongs += 1;
      this.lastPongAt = at;
    }
  }
}
