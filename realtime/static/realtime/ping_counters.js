/** What was counted and measured since the page was loaded, over all connections. */

/** @typedef {import("./events.js").LastError} LastError */

export class PingCounters {
  /** @type {number | null} of the newest answered ping, ms */
  latency = null;
  pings = 0;
  pongs = 0;
  misses = 0;

  /** @param {number | null} latency of a ping of our own, ms; null: not answered in time */
  measured(latency) {
    if (latency === null) {
      this.misses += 1;
    } else {
      this.latency = latency;
      this.pongs += 1;
    }
  }
}
