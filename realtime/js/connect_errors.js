/** Errors that keep a browser from connecting at all, and whether a retry can help. */

import { LOST } from "./codes.js";

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
  return { code: LOST, reason: CONSTRUCTOR_FAILED + (error?.message ?? error), permanent };
}
