/**
 * Time that has passed, sleep included.
 *
 * The monotonic clock stands still while some devices sleep; the wall clock goes on, but may
 * be set. So what has passed between two looks is what the clock says that has gone further.
 * A wall clock set forward counts as time passed, like a sleep, which looks the same; one
 * set back hides a sleep only if there was no look between the two.
 */

/** @typedef {import("./browser_environment.js").Environment} Environment */

/** @typedef {{wall: number, ms: number}} Moment by the wall clock of then, and in time passed */

// A moment is told as it was written down, unless the wall clock was set back by more.
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

  /** Since this was made. Each call is a look. */
  get ms() {
    const [now, wall] = [this.#environment.now(), this.#environment.wall()];
    this.#total += Math.max(0, now - this.#now, wall - this.#wall);
    [this.#now, this.#wall] = [now, wall];
    return this.#total;
  }

  /** @returns {Moment} */
  mark() {
    return { ms: this.ms, wall: this.#wall };
  }

  /**
   * When a moment was, in ms since the epoch, by the wall clock as it goes now.
   * @param {Moment} moment
   */
  when({ wall, ms }) {
    const when = Math.round(this.#environment.wall() - (this.ms - ms));
    return wall - when > SET_BACK_MS ? when : wall;
  }
}
