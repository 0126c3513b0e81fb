/**
 * After the server has sent this page away for want of a login: when to ask once more.
 *
 * The user may have logged in elsewhere since. A page that is looked at again asks once, and
 * no page more often than twice a minute. A page that is welcomed to a new session leaves a
 * hint in the localStorage, which tells the other tabs; one that was welcomed because of a hint
 * leaves none, or two tabs could call each other for ever.
 */

import { isAboutLogin } from "./codes.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

const PAUSE_MS = 30_000;

export class LoginRetry {
  #environment;
  #key;
  #ask;
  #elapsed;
  #isOut = false;
  #wasHinted = false;
  #askedAt = -Infinity;

  /**
   * @param {string} url of the socket
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
   * @param {() => void} ask
   */
  constructor(url, environment, elapsed, ask) {
    this.#key = `realtime:welcome:${url}`;
    this.#environment = environment;
    this.#elapsed = elapsed;
    this.#ask = ask;
  }

  /** @param {number} code with which the server has ended it for good */
  sentAway(code) {
    this.#isOut = isAboutLogin(code);
    this.#wasHinted = false;
  }

  /** There is, or will be, a connection that was asked for; or none is wanted. */
  settle() {
    this.#isOut = false;
    this.#wasHinted = false;
  }

  /** The page is looked at again. */
  seen() {
    if (!this.#isOut || this.#elapsed.ms - this.#askedAt < PAUSE_MS) return;
    this.#askedAt = this.#elapsed.ms;
    this.#isOut = false;
    this.#ask();
  }

  /** @param {string | null} key what another tab has written */
  told(key) {
    if (!this.#isOut || key !== this.#key) return;
    this.#isOut = false;
    this.#wasHinted = true;
    this.#ask();
  }

  /** @param {boolean} resumed */
  welcomed(resumed) {
    const speaks = !resumed && !this.#wasHinted;
    this.settle();
    if (speaks) this.#hint();
  }

  #hint() {
    const { local, wall, random } = this.#environment;
    try {
      local?.setItem(this.#key, `${wall()} ${random()}`); // only a change is an event
    } catch {
      // Full or refused: the other tabs ask when they are looked at.
    }
  }
}
