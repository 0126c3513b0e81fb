/**
 * The token of the login, from the page's `auth`: kept until the server refuses it or says that it
 * expires, or the client disconnects for good. One call of the page's function is under way at a time.
 */

import { Timer } from "./timer.js";

/** @typedef {string | (() => string | Promise<string>)} Auth */

const MAX_LENGTH = 8192;

/** Milliseconds for one call; then the attempt fails, and the next one calls again. */
const PATIENCE = 15_000;

export class TokenSource {
  #auth;
  /** @type {string | null} */
  #token = null;
  /** Whether the server has accepted the token, so that another may help if it refuses it now. */
  #accepted = false;
  /** @type {Promise<string> | null} */
  #pending = null;

  #environment;

  /**
   * @param {Auth | undefined} auth
   * @param {import("./browser_environment.js").Environment} environment
   */
  constructor(auth, environment) {
    this.#auth = auth;
    this.#environment = environment;
  }

  /** The kept token; undefined without one. */
  get current() {
    return this.#token ?? undefined;
  }

  /** Whether a token has to be fetched before the next hello. */
  get isMissing() {
    return this.#auth !== undefined && this.#token === null;
  }

  /**
   * A new token, which is kept unless it was forgotten meanwhile. Rejected if the page's function
   * fails, does not answer within PATIENCE or returns no token; the reason says nothing of what it
   * returned.
   * @returns {Promise<string>}
   */
  fetch() {
    this.#pending ??= this.#begin();
    return this.#pending;
  }

  /** @returns {Promise<string>} */
  #begin() {
    const timer = new Timer(this.#environment);
    // A late answer is dropped: by then a newer token may be kept.
    const token = Promise.race([this.#read(), tooLate(timer)]).finally(() => timer.clear());
    const isWanted = () => this.#pending === pending;
    const pending = token.then(
      (found) => {
        if (isWanted()) this.#keep(found);
        return found;
      },
      (error) => {
        if (isWanted()) this.#pending = null;
        throw error;
      },
    );
    return pending;
  }

  /** @param {string | null} token */
  #keep(token) {
    this.#token = token;
    this.#accepted = false;
    this.#pending = null;
  }

  /** Forget the token, and the one that is on its way: the next may be of another user. */
  forget() {
    this.#keep(null);
  }

  async #read() {
    const auth = this.#auth;
    const token = typeof auth === "function" ? await auth() : auth;
    if (typeof token !== "string" || !/^[ -~]+$/.test(token) || token.length > MAX_LENGTH)
      throw new TypeError("expected a token of 1 to 8192 ASCII characters");
    return token;
  }

  /** The server has welcomed the client. */
  onWelcome() {
    this.#accepted = this.#token !== null;
  }

  /**
   * The server has refused the token, or the login has expired: drop it.
   * @returns {boolean} whether another token may help: this one was accepted before
   */
  refuse() {
    const wasAccepted = this.#accepted;
    this.#keep(null);
    return wasAccepted;
  }

  get isUsed() {
    return this.#auth !== undefined;
  }
}

/**
 * @param {Timer} timer
 * @returns {Promise<never>}
 */
function tooLate(timer) {
  return new Promise((_, reject) => {
    timer.set(PATIENCE, () => reject(new TypeError("expected a token in time")));
  });
}
