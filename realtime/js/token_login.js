/**
 * The login of a client that brings tokens: fetches one before an attempt, and another one when the
 * server says that it expires.
 */

import { CREDENTIALS_CHANGED, isFinal, LOST, NOT_AUTHENTICATED } from "./codes.js";
import { TokenSource } from "./token_source.js";

/** @typedef {import("./connection.js").Connection} Connection */

/** For people; the message of the page's own function may quote the token. */
const NO_TOKEN = "the page has no token for the login";

export class TokenLogin {
  #tokens;
  #fail;
  #attempt = 0;

  /**
   * @param {import("./token_source.js").Auth | undefined} auth
   * @param {import("./browser_environment.js").Environment} environment
   * @param {(end: import("./connection.js").End) => void} fail ends an attempt
   */
  constructor(auth, environment, fail) {
    this.#tokens = new TokenSource(auth, environment);
    this.#fail = fail;
  }

  /** The `auth` of the hello. */
  get auth() {
    return this.#tokens.current;
  }

  /**
   * Call `connect` once there is a token; not at all after `cancel`, or if another attempt has begun
   * meanwhile.
   * @param {() => void} connect
   * @returns {boolean} whether it was called at once: there is a token, or none is needed
   */
  attempt(connect) {
    this.cancel();
    const isReady = !this.#tokens.isMissing;
    if (isReady) connect();
    else this.#connectWithToken(connect);
    return isReady;
  }

  /** @param {() => void} connect */
  async #connectWithToken(connect) {
    const attempt = this.#attempt;
    const token = await this.#tokens.fetch().catch(() => null);
    if (attempt !== this.#attempt) return;
    if (token === null) this.#fail({ code: LOST, reason: NO_TOKEN });
    else connect();
  }

  /** The attempt under way, if any, is over. */
  cancel() {
    this.#attempt += 1;
  }

  /**
   * Bring a new token on the connection that asks for it. Without one the server asks again.
   * @param {() => Connection | null} connection the present one
   */
  async renew(connection) {
    const asking = connection();
    if (!this.#tokens.isUsed) return;
    const auth = await this.#tokens.fetch().catch(() => null);
    if (auth === null || asking !== connection()) return;
    if (asking?.send({ type: "auth", auth })) this.#tokens.onWelcome();
  }

  onWelcome() {
    this.#tokens.onWelcome();
  }

  /** The visitor may be another one at the next attempt. */
  forget() {
    this.#tokens.forget();
  }

  /**
   * Drop a token that the server has refused, and that of a client which the server has sent away.
   * @param {number} code
   * @returns {"retry" | "stay" | undefined} whether another may help; undefined: the code is not about tokens
   */
  onEnd(code) {
    if (!this.#tokens.isUsed) return undefined;
    if (code !== NOT_AUTHENTICATED && code !== CREDENTIALS_CHANGED) {
      if (isFinal(code)) this.forget();
      return undefined;
    }
    return this.#tokens.refuse() ? "retry" : "stay";
  }
}
