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
 * pages in one tab only one is alive.
 */

import { parsed } from "./json.js";

/** @typedef {{session: string, token: string, since: number}} Identity */

export class IdentityKeeper {
  #key;
  #storage;
  /** @type {Identity | null} */
  #identity = null;

  /**
   * @param {string} url of the socket: each server has its own sessions
   * @param {Storage | null} storage null where the browser offers none
   */
  constructor(url, storage) {
    this.#key = `realtime:${url}`;
    this.#storage = storage;
  }

  get current() {
    return this.#identity;
  }

  /** @param {Identity} identity */
  keep(identity) {
    this.#identity = identity;
  }

  forget() {
    this.#identity = null;
  }

  /** Take what the page before left behind; if it left nothing, what is in memory stays. */
  take() {
    try {
      if (!this.#storage) return;
      const value = parsed(this.#storage.getItem(this.#key));
      this.#storage.removeItem(this.#key);
      if (isIdentity(value)) this.#identity = value;
    } catch {
      // Storage can be refused at any moment (settings, sandbox): then every page is new.
    }
  }

  /** Leave it to the page that comes next in this tab. */
  leave() {
    if (!this.#identity) return;
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(this.#identity));
    } catch {
      // Full or refused: the next page gets a session of its own.
    }
  }
}

/**
 * Somebody else may have written it.
 * @param {any} value
 * @returns {value is Identity}
 */
function isIdentity(value) {
  return typeof value?.session === "string" && typeof value.token === "string";
}
