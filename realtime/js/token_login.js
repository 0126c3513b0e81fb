/**
 * The login of a client that brings tokens: one is fetched before an attempt, kept until the server refuses
 * it or says that it expires, or the client disconnects for good, and renewed on the live connection. One call
 * of the page's function is under way at a time.
 */

import { CREDENTIALS_CHANGED, isFinal, LOST, NOT_AUTHENTICATED } from "./codes.js";
import { Timer } from "./timer.js";

/** @typedef {string | (() => string | Promise<string>)} Auth */
/** @typedef {import("./connection.js").Connection} Connection */

/** For people; the message of the page's own function may quote the token. */
const NO_TOKEN = "the page has no token";
const TOKEN = /^[ -~]{1,8192}$/;
const PATIENCE_MS = 15_000; // with one call, on a fast line; then the attempt fails, and the next one calls again

export class TokenLogin {
  #auth;
  #environment;
  #timeouts;
  #fail;
  #attempt = 0;
  /** @type {string | undefined} */
  #token;
  /** Whether the server has accepted the token, so that another may help if it refuses it now. */
  #isAccepted = false;
  /** @type {Promise<string | undefined> | undefined} */
  #pending;

  /**
   * @param {Auth | undefined} auth
   * @param {import("./browser_environment.js").Environment} environment
   * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
   * @param {(end: import("./connection.js").End) => void} fail ends an attempt
   */
  constructor(auth, environment, timeouts, fail) {
    this.#auth = auth;
    this.#environment = environment;
    this.#timeouts = timeouts;
    this.#fail = fail;
  }

  /** The `auth` of the hello. */
  get auth() {
    return this.#token;
  }

  /**
   * Call `connect` once there is a token; not at all after `cancel`, or if another attempt has begun
   * meanwhile.
   * @param {() => void} connect
   * @returns {boolean} whether it was called at once: there is a token, or none is needed
   */
  attempt(connect) {
    this.cancel();
    const isReady = this.#auth === undefined || this.#token !== undefined;
    const attempt = this.#attempt;
    if (isReady) connect();
    else
      this.#fetch().then((token) => {
        if (attempt !== this.#attempt) return;
        if (token) connect();
        else this.#fail({ code: LOST, reason: NO_TOKEN, cause: "login" });
      });
    return isReady;
  }

  /** The attempt under way, if any, is over. */
  cancel() {
    this.#attempt += 1;
  }

  /**
   * Bring a new token on the connection that asks for it. Without one the server asks again.
   * @param {Connection | null} connection which takes nothing once it has ended
   */
  async renew(connection) {
    const auth = await this.#fetch();
    if (auth && connection?.send({ type: "auth", auth })) this.onWelcome();
  }

  /** The server has welcomed the client. */
  onWelcome() {
    this.#isAccepted = this.#token !== undefined;
  }

  /** Forget the token, and the one that is on its way: the next may be of another user. */
  forget() {
    this.#isAccepted = false;
    this.#token = this.#pending = undefined;
  }

  /**
   * Drop a token that the server has refused, and that of a client which the server has sent away.
   * @param {number} code
   * @returns {boolean} whether the client stays away: another token does not help
   */
  onEnd(code) {
    const isAboutToken = code === NOT_AUTHENTICATED || code === CREDENTIALS_CHANGED;
    const isRefused = this.#auth !== undefined && isAboutToken;
    const staysAway = isRefused ? !this.#isAccepted : isFinal(code);
    if (isRefused || staysAway) this.forget();
    return staysAway;
  }

  /**
   * A new token, which is kept unless it was forgotten meanwhile; undefined if the page's function fails,
   * is too late or returns no token.
   */
  #fetch() {
    this.#pending ??= this.#begin();
    return this.#pending;
  }

  #begin() {
    const timer = new Timer(this.#environment);
    const patience = this.#timeouts.openingMs(PATIENCE_MS);
    /** @type {Promise<undefined>} */
    const tooLate = new Promise((resolve) => timer.set(patience, () => resolve(undefined)));
    const pending = Promise.race([this.#read(), tooLate]).then((token) => {
      timer.clear();
      if (this.#pending !== pending) return token;
      this.#pending = undefined;
      if (token !== undefined) [this.#token, this.#isAccepted] = [token, false];
      return token;
    });
    return pending;
  }

  async #read() {
    const auth = this.#auth;
    try {
      const token = typeof auth === "function" ? await auth() : auth;
      if (typeof token === "string" && TOKEN.test(token)) return token;
    } catch {
      // The error may quote the token, so it goes nowhere.
    }
    return undefined;
  }
}
