/** Keeps the client's requests below the server's limit of frames: a token bucket. */

const BURST = 20; // frames
const SHARE = 0.8; // of the server's limit: the rest is for pings and other frames
const DEFAULT_PER_SECOND = 100; // until a welcome names the server's limit

export class SendRate {
  #environment;
  #perMs = (DEFAULT_PER_SECOND * SHARE) / 1000;
  #tokens = BURST;
  #filledAt;

  /** @param {import("./browser_environment.js").Environment} environment */
  constructor(environment) {
    this.#environment = environment;
    this.#filledAt = environment.now();
  }

  /** @param {number} perSecond the server's limit */
  setLimit(perSecond) {
    if (perSecond > 0) this.#perMs = (perSecond * SHARE) / 1000;
  }

  /** Take the right to send one frame. @returns {number} 0, or the ms until there is one */
  take() {
    const now = this.#environment.now();
    this.#tokens = Math.min(BURST, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs);
    this.#tokens -= 1;
    return 0;
  }
}
