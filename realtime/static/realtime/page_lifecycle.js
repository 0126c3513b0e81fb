/** The life of the page, told to the client in its own words. */

import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

/**
 * @typedef {object} PageLifecycleCallbacks
 * @property {() => void} left the page goes away, perhaps into the back-forward cache
 * @property {() => void} returned out of that cache
 * @property {() => void} frozen the browser will stop the page's scripts
 * @property {() => void} thawed
 * @property {() => void} woken there is new hope: another network, or a look at the page after a while
 * @property {() => void} online there is a network
 * @property {() => void} swayed the network is the same, and faster or slower than it was
 * @property {() => void} offline the browser knows of none
 * @property {(state: "visible" | "hidden") => void} turned
 * @property {() => void} seen the page is looked at, or has got the focus
 * @property {(key: string | null) => void} told another tab has written to the localStorage
 */

const PAUSE_MS = 10_000; // hidden for less than this is a glance at another tab

// Chromium shows a page out of the back-forward cache some 5 ms before it hides the
// one that was there, which is then still connected and has not left its session yet.
const HANDOVER_MS = 100;

export class PageLifecycle {
  #environment;
  #owner;
  /** @type {AbortController | null} */
  #listening = null;
  #handover;
  #elapsed;
  #gone = false;
  #hiddenAt = 0;
  /** @type {string | null} */
  #network = null;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
   * @param {PageLifecycleCallbacks} owner
   */
  constructor(environment, elapsed, owner) {
    this.#environment = environment;
    this.#elapsed = elapsed;
    this.#owner = owner;
    this.#handover = new Timer(environment);
  }

  /** @returns {"visible" | "hidden"} where there is no page at all, nobody looks away either */
  get visibility() {
    return this.#environment.document?.visibilityState === "hidden" ? "hidden" : "visible";
  }

  get started() {
    return this.#listening !== null;
  }

  start() {
    this.#listening = new AbortController();
    this.#gone = false;
    const { window, document, network } = this.#environment;
    this.#listen(window, "pagehide", () => this.#left());
    this.#listen(window, "pageshow", () => this.#shown());
    this.#listen(window, "online", () => this.#owner.online());
    this.#listen(window, "offline", () => this.#owner.offline());
    this.#network = kindOf(network);
    this.#listen(network, "change", () => this.#changed(network));
    this.#listen(window, "focus", () => this.#owner.seen());
    this.#listen(window, "storage", ({ key }) => this.#owner.told(key));
    this.#listen(document, "visibilitychange", () => this.#turned());
    this.#listen(document, "freeze", () => this.#owner.frozen());
    // On its way out of the back-forward cache a page is thawed too, before its pageshow.
    this.#listen(document, "resume", () => this.#gone || this.#owner.thawed());
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    this.#handover.clear();
  }

  /**
   * @param {EventTarget | null} target
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  #listen(target, type, listener) {
    target?.addEventListener(type, listener, { signal: this.#listening?.signal });
  }

  #left() {
    this.#gone = true;
    this.#handover.clear();
    this.#owner.left();
  }

  #shown() {
    if (!this.#gone) return; // the first show, after load
    this.#gone = false;
    this.#handover.set(HANDOVER_MS, () => this.#owner.returned());
  }

  /** Browsers say so of every change in speed, too. @param {any} network */
  #changed(network) {
    const kind = kindOf(network);
    if (kind !== null && kind === this.#network) this.#owner.swayed();
    else this.#owner.woken();
    this.#network = kind;
  }

  #turned() {
    const state = this.visibility;
    this.#owner.turned(state);
    if (state === "hidden") this.#hiddenAt = this.#elapsed.ms;
    else if (this.#elapsed.ms - this.#hiddenAt >= PAUSE_MS) this.#owner.woken();
    if (state === "visible") this.#owner.seen();
  }
}

/**
 * What is known of a network besides its speed; null: nothing.
 * @param {any} network
 * @returns {string | null}
 */
function kindOf(network) {
  const { type, effectiveType } = network ?? {};
  return type || effectiveType ? `${type} ${effectiveType}` : null;
}
