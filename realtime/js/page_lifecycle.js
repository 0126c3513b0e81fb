/** Translates events of the page, its tab and its network into calls of the client. */

import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

/**
 * @typedef {object} PageOwner
 * @property {() => void} onBeforeUnload the page goes, or stays after all
 * @property {() => void} onPageHide the page goes away, perhaps into the back-forward cache
 * @property {() => void} onPageRestore it comes out of that cache
 * @property {() => void} onFreeze the browser will stop the page's scripts
 * @property {() => void} onResume it runs them again
 * @property {() => void} onWake an attempt may succeed now: another network, or a visible page after a while
 * @property {() => void} onOnline
 * @property {() => void} pingQuietly the same network became faster or slower
 * @property {() => void} probe
 * @property {(state: "visible" | "hidden") => void} onVisibility
 * @property {() => void} onAttention the page became visible or got the focus
 * @property {(key: string | null) => void} onStorage another tab wrote to the localStorage
 */

const PAUSE_MS = 10_000; // hidden for less than this: the user glanced at another tab

// Chromium shows a page out of the back-forward cache some 5 ms before it hides the page that
// was there. That page is still connected and has not saved its session yet.
const HANDOVER_MS = 100;

const STAY_MS = 1000; // a download, or a visitor who cancels, unloads no page

export class PageLifecycle {
  #environment;
  /** @type {AbortController | null} */
  #listening = null;
  /** Until a page that comes out of the back-forward cache is back, or one that was to unload stays. */
  #timer;
  #clock;
  #session;
  #page;
  /** The page has left; if it is back, the page that was there may not have saved its session yet. */
  isAway = false;
  #hiddenAt = 0;
  #networkKind = "";

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {import("./resumable_session.js").ResumableSession} session
   * @param {PageOwner} page
   */
  constructor(environment, clock, session, page) {
    this.#environment = environment;
    this.#clock = clock;
    this.#session = session;
    this.#page = page;
    this.#timer = new Timer(environment);
  }

  /** @returns {"visible" | "hidden"} "visible" where there is no document, as in a worker */
  get visibility() {
    return this.#environment.document?.visibilityState === "hidden" ? "hidden" : "visible";
  }

  get started() {
    return this.#listening !== null;
  }

  start() {
    this.#listening = new AbortController();
    this.isAway = false;
    const { window, document, network } = this.#environment;
    this.#networkKind = kindOf(network);
    const page = this.#page;
    this.#listen(window, {
      beforeunload: () => {
        if (this.isAway) return;
        page.onBeforeUnload();
        this.#timer.set(STAY_MS, () => this.#session.forget());
      },
      pagehide: () => {
        this.#timer.clear();
        if (!this.isAway) page.onPageHide();
        this.isAway = true;
      },
      pageshow: () => this.isAway && this.#timer.set(HANDOVER_MS, () => this.#onHandover()),
      online: () => page.onOnline(),
      offline: () => page.probe(),
      focus: () => page.onAttention(),
      storage: ({ key }) => page.onStorage(key),
    });
    this.#listen(network, { change: () => this.#onNetworkChange() });
    this.#listen(document, {
      visibilitychange: () => this.#onVisibilityChange(),
      freeze: () => page.onFreeze(),
      // A page that leaves the back-forward cache gets `resume` as well, before its pageshow.
      resume: () => this.isAway || page.onResume(),
    });
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    this.#timer.clear();
  }

  /**
   * @param {EventTarget | null} target
   * @param {Record<string, (event: any) => void>} listeners by the types of the events
   */
  #listen(target, listeners) {
    for (const [type, listener] of Object.entries(listeners))
      target?.addEventListener(type, listener, { signal: this.#listening?.signal });
  }

  #onHandover() {
    this.isAway = false;
    this.#page.onPageRestore();
  }

  /** Browsers send `change` for every change in speed, too. */
  #onNetworkChange() {
    const kind = kindOf(this.#environment.network);
    if (kind && kind === this.#networkKind) this.#page.pingQuietly();
    else this.#page.onWake();
    this.#networkKind = kind;
  }

  #onVisibilityChange() {
    const state = this.visibility;
    this.#page.onVisibility(state);
    if (state === "hidden") this.#hiddenAt = this.#clock.ms;
    else if (this.#clock.ms - this.#hiddenAt >= PAUSE_MS) this.#page.onWake();
    if (state === "visible") this.#page.onAttention();
  }
}

/**
 * A network's identity besides its speed; "" if the browser does not report it.
 * @param {any} network
 * @returns {string}
 */
function kindOf(network) {
  const { type = "", effectiveType = "" } = network ?? {};
  return type + effectiveType;
}
