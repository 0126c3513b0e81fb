/**
 * After the server ended the session for want of a login: when to try again.
 *
 * The user may have logged in elsewhere since. A page retries when it gets attention, at most
 * twice a minute, and when another tab signals a login. A page that was welcomed to a new session
 * signals by a change of the localStorage; one that retried because of a signal does not signal
 * itself, or two tabs could call each other without end.
 */

import { causeOf } from "./connect_errors.js";
import { putItem } from "./storage.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

const PAUSE_MS = 30_000;

export class LoginRetry {
  #environment;
  #key;
  #retry;
  #clock;
  #isWaiting = false;
  #wasSignalled = false;
  #retriedAt = -Infinity;

  /**
   * @param {string} url of the socket
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {() => void} retry connects again
   */
  constructor(url, environment, clock, retry) {
    this.#key = `realtime:welcome:${url}`;
    this.#environment = environment;
    this.#clock = clock;
    this.#retry = retry;
  }

  /** @param {number} code the final close code; waits for a login if one would help */
  onFinalClose(code) {
    this.cancel();
    // After CREDENTIALS_CHANGED only pages stay away whose tokens have expired twice.
    this.#isWaiting = causeOf({ code }) === "login";
  }

  /** Stop waiting: the page connects or disconnects by itself. */
  cancel() {
    this.#isWaiting = this.#wasSignalled = false;
  }

  /** The page became visible or got the focus. */
  onAttention() {
    const { ms } = this.#clock;
    if (!this.#isWaiting || ms - this.#retriedAt < PAUSE_MS) return;
    this.#retriedAt = ms;
    this.cancel();
    this.#retry();
  }

  /** @param {string | null} key that another tab wrote */
  onStorage(key) {
    if (!this.#isWaiting || key !== this.#key) return;
    this.cancel();
    this.#wasSignalled = true;
    this.#retry();
  }

  /** @param {boolean} resumed whether the welcome continues a session */
  onWelcome(resumed) {
    const { local, wall, random } = this.#environment;
    const signals = !resumed && !this.#wasSignalled;
    this.cancel();
    // Only a changed value is an event. Without a storage the other tabs retry when they get attention.
    if (signals) putItem(local, this.#key, `${wall()} ${random()}`);
  }
}
