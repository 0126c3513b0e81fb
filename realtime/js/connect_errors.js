/** Why an attempt to connect has failed, as far as a browser lets a page know. */

import { CREDENTIALS_CHANGED, LOGIN_NEEDED, LOST, ORIGIN_REFUSED } from "./codes.js";

/** @typedef {"origin" | "login" | "policy" | "browser" | "timeout" | "network" | "server"} ConnectErrorCause */

export const POLICY_REASON = "forbidden by the page's content security policy (connect-src)";
export const CONSTRUCTOR_FAILED = "no connection can be made: ";

/**
 * Whether a violation of the page's content security policy blocks the socket.
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function isBlockedByPolicy({ disposition, effectiveDirective, blockedURI = "" }, url) {
  if (disposition === "report" || effectiveDirective !== "connect-src") return false;
  // Of a cross-origin address browsers may report only the origin, or only the scheme.
  return blockedURI !== "" && url.startsWith(blockedURI);
}

/**
 * The end of an attempt whose WebSocket constructor threw; `permanent` if a retry cannot help.
 * @param {any} error
 * @returns {import("./connection.js").End}
 */
export function constructorFailure(error) {
  const permanent = /^(Security|Syntax|Type|Reference)Error$/.test(error?.name);
  const message = `${error?.message ?? error}`.replace(/wss?:\S+/g, "…"); // its query may be secret
  const reason = CONSTRUCTOR_FAILED + message;
  return { code: LOST, reason, permanent, cause: "browser" };
}

/**
 * The cause of a failed attempt. A browser does not tell a refused handshake from a lost line.
 * @param {Pick<import("./connection.js").End, "code" | "cause">} end
 * @returns {ConnectErrorCause}
 */
export function causeOf({ code, cause }) {
  if (cause) return cause;
  if (code === ORIGIN_REFUSED) return "origin";
  if (LOGIN_NEEDED.includes(code) || code === CREDENTIALS_CHANGED) return "login";
  return code === LOST ? "network" : "server";
}
