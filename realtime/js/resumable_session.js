/**
 * The session and the token that resumes it, kept over the pages of one tab.
 *
 * They must survive a navigation in the same tab, yet not be copied: a duplicated tab, or one
 * opened by a script or a link with an opener, starts with a copy of the sessionStorage of the
 * page it came from. Two pages with one session would take it from each other without end.
 *
 * So while a page lives, session and token are in memory only. They are written when the page
 * goes (`beforeunload`, and anew at `pagehide`, of which Firefox keeps nothing if the next page
 * comes out of the back-forward cache), forgotten if it stays, and read and removed in one step by the page that comes (load, or `pageshow`
 * from the back-forward cache). They are not written when a tab is hidden, because a
 * hidden tab can be duplicated as well. A page that crashes loses its session: the next page
 * gets a new one and the server sweeps the old one.
 *
 * A page in the back-forward cache keeps its copy in memory, which is safe: of all pages in one
 * tab only one is alive. Frames of the same origin and several clients of one page are alive at
 * the same time: each has a storage slot of its own.
 *
 * Each attempt to resume has a higher `turn`, also over pages, so that a delayed attempt cannot
 * take the session from a newer one.
 */

import { framePath } from "./address.js";
import { pageGlobal } from "./page_global.js";
import { isName, putItem, takeItem } from "./storage.js";

/** @typedef {{session: string, token: string, since: number}} Session `since`: ms since the epoch */

/**
 * Saved and loaded at the same moments, in a place of its own.
 * @typedef {object} Companion
 * @property {(key: string) => void} save
 * @property {(key: string) => void} load
 * @property {(key: string) => void} forget
 */

const RESUME_WINDOW_MS = 120_000; // until a welcome names the server's

// More attempts than a page makes that crashed before it could save its turn.
const TURNS_AFTER_CRASH = 1000;

/** @type {WeakMap<any, Set<string>>} by storages: the keys in use by clients of this page */
const usedKeys = pageGlobal("keys", () => new WeakMap());

export class ResumableSession {
  #name;
  #key = "";
  #storage;
  /** @type {Session | null} */
  #session = null;
  #turn = 0;
  /** @type {any} positions of the page before, for the one after a page that was never welcomed */
  #rooms;
  #clock;
  #companion;
  #window = RESUME_WINDOW_MS;
  #reclaimedAt = -Infinity;

  /**
   * @param {string} url of the socket: each server has its own sessions
   * @param {Storage | null} storage null where the browser offers none
   * @param {{readonly ms: number}} clock elapsed ms
   * @param {Companion} companion
   */
  constructor(url, storage, clock, companion) {
    this.#clock = clock;
    this.#companion = companion;
    this.#name = `realtime:${url}${framePath()}`;
    this.#storage = storage;
  }

  get current() {
    return this.#session;
  }

  /**
   * @param {Session} session
   * @param {number} [window] ms for which the server keeps a session without its client
   */
  set(session, window = RESUME_WINDOW_MS) {
    this.#window = window;
    if (session.session !== this.#session?.session) this.#turn = 0;
    this.#session = session;
    this.#rooms = undefined;
  }

  /** Start with a new session at the next hello. */
  clear() {
    this.#session = null;
    this.#reclaimedAt = -Infinity;
  }

  /** The hello's `resume` field, with the next turn; undefined asks for a new session. */
  resumeRequest() {
    if (!this.#session) return undefined;
    const { session, token } = this.#session;
    return { session, token, turn: ++this.#turn };
  }

  /**
   * Whether to take back the session after another connection resumed it. True once per resume
   * window: a delayed attempt of this client may have been the other one. A second takeover
   * within the window is by another page.
   */
  reclaim() {
    const { ms } = this.#clock;
    if (!this.#session || ms - this.#reclaimedAt < this.#window) return false;
    this.#reclaimedAt = ms;
    this.#turn += TURNS_AFTER_CRASH;
    return true;
  }

  /**
   * Load and remove what the page before saved; without that, keep what is in memory.
   * @returns {Record<string, unknown>} positions of its rooms, not validated
   */
  load() {
    this.#claimKey();
    const value = takeItem(this.#storage, this.#key); // without a storage each page gets a new session
    if (isSession(value)) ({ turn: this.#turn = 0, rooms: this.#rooms, ...this.#session } = value);
    else this.#rooms = value?.rooms;
    this.#companion.load(this.#key);
    return Object(this.#rooms);
  }

  /**
   * Save for the next page in this tab.
   * @param {Record<string, import("./position.js").Position | null>} [rooms] positions of its rooms
   * @param {boolean} [mayStay] whether the page may go on
   */
  save(rooms, mayStay) {
    this.#companion.save(this.#key);
    // Without a session the next page cannot go on there, and learns that it has a gap.
    const saved = { ...this.#rooms, ...rooms };
    if (this.#session || Object.keys(saved)[0])
      putItem(this.#storage, this.#key, { ...this.#session, turn: this.#turn, rooms: saved });
    if (!mayStay) this.releaseKey();
  }

  /** Undo `save`: the page stays, or saves again. */
  forget() {
    takeItem(this.#storage, this.#key);
    this.#companion.forget(this.#key);
  }

  /** Let another client of this page use the storage key. */
  releaseKey() {
    usedKeys.get(this.#storage)?.delete(this.#key);
  }

  /** Claim the first key that no other client of this page uses. */
  #claimKey() {
    this.releaseKey();
    const used = usedKeys.get(this.#storage) ?? new Set();
    if (this.#storage) usedKeys.set(this.#storage, used);
    let key = this.#name;
    for (let n = 2; used.has(key); n += 1) key = `${this.#name}#${n}`;
    used.add(key);
    this.#key = key;
  }
}

/**
 * Other scripts can write to the storage: check its value.
 * @param {any} value
 * @returns {value is Session & {turn?: number, rooms?: unknown}}
 */
function isSession(value) {
  const { session, token, turn = 0 } = Object(value);
  return isName(session) && isName(token) && Number.isSafeInteger(turn) && turn >= 0;
}
