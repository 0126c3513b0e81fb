/** Counts the components that use a client. */

import { Timer } from "./timer.js";

const LINGER_MS = 1000; // a component that is mounted again within this time keeps the session

export class UseCount {
  #count = 0;
  #linger;
  #onUnused;

  /**
   * @param {import("./browser_environment.js").Environment} environment
   * @param {() => void} onUnused called one second after the last release
   */
  constructor(environment, onUnused) {
    this.#linger = new Timer(environment);
    this.#onUnused = onUnused;
  }

  /** @returns {Use} */
  acquire() {
    this.#count += 1;
    this.#linger.clear();
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#count -= 1;
      if (isHeld && !this.#count) this.#linger.set(LINGER_MS, this.#onUnused);
      isHeld = false;
    };
    return { release };
  }
}

/** @typedef {{release: () => void}} Use `release` may be called again, without effect */
