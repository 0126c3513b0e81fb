/** Calls a function at intervals, never twice at once, and only while the page is visible. */

/** From one poll to the next, so that changes are on the page within two seconds. */
export const INTERVAL_MS = 1_200;

export class Poller {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #busy = false;
  #stopped = false;
  #hidden = false;
  #paused = false;
  #polledAt = 0;
  #poll;
  #now;

  /**
   * @param {() => Promise<void>} poll handles its own failures
   * @param {() => number} [now] monotonic, ms
   */
  constructor(poll, now = () => performance.now()) {
    this.#poll = poll;
    this.#now = now;
  }

  /** The first poll follows after an interval, because the page is fresh now. */
  start() {
    this.#polledAt = this.#now();
    this.#schedule();
  }

  /** Poll no more. */
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

  /** A hidden page does not poll; a visible one polls at once if it is due. @param {boolean} value */
  set hidden(value) {
    this.#hidden = value;
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#paused || this.#hidden || this.#busy) return;
    const wait = Math.max(0, this.#polledAt + INTERVAL_MS - this.#now());
    this.#timer = setTimeout(() => void this.#run(), wait);
  }

  async #run() {
    this.#busy = true;
    this.#polledAt = this.#now();
    try {
      await this.#poll();
    } finally {
      this.#busy = false;
      this.#schedule();
    }
  }
}
