/**
 * A clock of elapsed time that includes the sleep of the device.
 *
 * The monotonic clock stands still while some devices sleep; the wall clock goes on, but may be
 * set. Between two reads this clock advances by whichever of the two advanced more. A wall clock
 * that is set forward therefore counts as elapsed time (a sleep looks the same); one that is set
 * back hides a sleep only if no read happened in between.
 */

/** @typedef {import("./browser_environment.js").Environment} Environment */

/** @typedef {{wall: number, ms: number}} Timestamp wall clock (ms since the epoch) and elapsed ms */

// A timestamp keeps its original wall time unless the wall clock was set back by more than this.
const SET_BACK_MS = 2000;

export class SleepAwareClock {
  #environment;
  #now;
  #wall;
  #total = 0;

  /** @param {Environment} environment */
  constructor(environment) {
    this.#environment = environment;
    this.#now = environment.now();
    this.#wall = environment.wall();
  }

  /** Elapsed ms since this clock was made. */
  get ms() {
    const [now, wall] = [this.#environment.now(), this.#environment.wall()];
    this.#total += Math.max(0, now - this.#now, wall - this.#wall);
    [this.#now, this.#wall] = [now, wall];
    return this.#total;
  }

  /** @returns {Timestamp} of this moment */
  timestamp() {
    return { ms: this.ms, wall: this.#wall };
  }

  /**
   * A timestamp in ms since the epoch, by the wall clock as it is set now.
   * @param {Timestamp} timestamp
   */
  toEpochMs({ wall, ms }) {
    const when = Math.round(this.#environment.wall() - (this.ms - ms));
    return wall - when > SET_BACK_MS ? when : wall;
  }
}
