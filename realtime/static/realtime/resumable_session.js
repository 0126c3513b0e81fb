/**
 * Who this client is to the server: the session and the token that resumes it.
 *
 * It must survive a navigation in the same tab, yet not be copied: a duplicated
 * tab, or one opened by a script or a link with an opener, starts with a copy of
 * the sessionStorage of the page it came from. Two pages with one identity would
 * push each other out of the session for ever.
 *
 * So while a page lives, its identity is in memory only and there is nothing to
 * copy. It is written when the page goes (`pagehide`) and taken out, read and
 * removed in one step, by the page that comes (load, or `pageshow` from the
 * back-forward cache). It is not written when a tab is merely hidden, because a
 * hidden tab can be duplicated as well. What this cannot save is a page that
 * crashes: the next one gets a new session and the old one is swept.
 *
 * A page in the back-forward cache keeps its copy in memory, which is safe: of all
 * pages in one tab only one is alive. Frames of the same origin are alive beside it, and
 * so may be several clients in one page: each has a place of its own in the storage.
 *
 * Each attempt to resume has a higher `turn`, also over pages, so that one that got stuck
 * on its way cannot take the session from the one after it.
 */

import { framePath } from "./address.js";
import { parsed } from "./json.js";

/** @typedef {{session: string, token: string, since: number}} Identity */

const RESUME_WINDOW_MS = 120_000; // of a server that does not say its own

// What another page has counted, and taken with it when it crashed.
const UNKNOWN_TURNS = 1000;

/** @type {WeakMap<Storage, Set<string>>} the places that clients of this page have */
const taken = new WeakMap();

export class ResumableSession {
  #name;
  #key = "";
  #storage;
  /** @type {Identity | null} */
  #identity = null;
  #turn = 0;
  #elapsed;
  #window = RESUME_WINDOW_MS;
  #overtookAt = -Infinity;

  /**
   * @param {string} url of the socket: each server has its own sessions
   * @param {Storage | null} storage null where the browser offers none
   * @param {{readonly ms: number}} [elapsed] time passed
   */
  constructor(url, storage, elapsed = { ms: 0 }) {
    this.#elapsed = elapsed;
    this.#name = `realtime:${url}${framePath()}`;
    this.#storage = storage;
  }

  get current() {
    return this.#identity;
  }

  /**
   * @param {Identity} identity
   * @param {number} [window] ms for which the server keeps a session without its client
   */
  keep(identity, window = RESUME_WINDOW_MS) {
    this.#window = window;
    if (identity.session !== this.#identity?.session) this.#turn = 0;
    this.#identity = identity;
  }

  forget() {
    this.#identity = null;
    this.#overtookAt = -Infinity; // it was about this session
  }

  /** What a hello asks for, in the next turn; undefined: a new session. */
  resume() {
    if (!this.#identity) return undefined;
    this.#turn += 1;
    const { session, token } = this.#identity;
    return { session, token, turn: this.#turn };
  }

  /**
   * The session was continued elsewhere: whether to take it back. An attempt of our own that was
   * given up may have come late; who takes it once more within the window means it.
   */
  overtakes() {
    const { ms } = this.#elapsed;
    if (!this.#identity || ms - this.#overtookAt < this.#window) return false;
    this.#overtookAt = ms;
    this.#turn += UNKNOWN_TURNS;
    return true;
  }

  /** Take what the page before left behind; if it left nothing, what is in memory stays. */
  take() {
    try {
      if (!this.#storage) return;
      this.#claim(this.#storage);
      const value = parsed(this.#storage.getItem(this.#key));
      this.#storage.removeItem(this.#key);
      if (isIdentity(value)) ({ turn: this.#turn = 0, ...this.#identity } = value);
    } catch {
      // Storage can be refused at any moment (settings, sandbox): then every page is new.
    }
  }

  /** Leave it to the page that comes next in this tab. */
  leave() {
    try {
      const left = this.#identity && { ...this.#identity, turn: this.#turn };
      if (left) this.#storage?.setItem(this.#key, JSON.stringify(left));
    } catch {
      // Full or refused: the next page gets a session of its own.
    }
    this.release();
  }

  /** Let another client of this page have the place. */
  release() {
    if (this.#storage) taken.get(this.#storage)?.delete(this.#key);
  }

  /**
   * The first place that no other client of this page has.
   * @param {Storage} storage
   */
  #claim(storage) {
    this.release();
    const places = taken.get(storage) ?? new Set();
    taken.set(storage, places);
    let key = this.#name;
    for (let more = 2; places.has(key); more += 1) key = `${this.#name}#${more}`;
    places.add(key);
    this.#key = key;
  }
}

/**
 * Somebody else may have written it.
 * @param {any} value
 * @returns {value is Identity & {turn?: number}}
 */
function isIdentity(value) {
  const { session, token, turn = 0 } = Object(value);
  return isName(session) && isName(token) && Number.isSafeInteger(turn) && turn >= 0;
}

/**
 * What the server would not read would end every hello.
 * @param {unknown} value
 */
function isName(value) {
  return typeof value === "string" && value.length >= 1 && value.length <= 64;
}
