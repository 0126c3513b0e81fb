/** Asks again and again, never twice at once, and only while somebody looks. */

/** From one question to the next, so that what happens is on the page within two seconds. */
export const INTERVAL_MS = 1_200;

export class Poller {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #busy = false;
  #stopped = false;
  #hidden = false;
  #paused = false;
  #asked = 0;
  #ask;
  #now;

  /**
   * @param {() => Promise<void>} ask settles once it has an answer or has given up; it
   *   handles its own failures
   * @param {() => number} [now] milliseconds that only ever grow
   */
  constructor(ask, now = () => performance.now()) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Begin. The page is fresh now, so the first question comes after an interval. */
  start() {
    this.#asked = this.#now();
    this.#schedule();
  }

  /** For good: no answer is to be had any more. */
  stop() {
    this.#stopped = true;
    this.#schedule();
  }

  get paused() {
    return this.#paused;
  }

  set paused(value) {
    this.#paused = value;
    this.#schedule();
  }

  /** A hidden page asks nothing, and asks at once when it is seen again. @param {boolean} value */
  set hidden(value) {
    this.#hidden = value;
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#paused || this.#hidden || this.#busy) return;
    const wait = Math.max(0, this.#asked + INTERVAL_MS - this.#now());
    this.#timer = setTimeout(() => void this.#turn(), wait);
  }

  async #turn() {
    this.#busy = true;
    this.#asked = this.#now();
    try {
      await this.#ask();
    } finally {
      this.#busy = false;
      this.#schedule();
    }
  }
}
