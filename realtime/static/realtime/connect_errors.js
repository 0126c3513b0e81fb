/** What keeps a browser from connecting at all, and whether it is the page's own policy. */

import { LOST } from "./codes.js";

export const POLICY_REASON = "forbidden by the page's content security policy (connect-src)";
export const UNMADE = "no connection can be made: ";

/**
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function forbids({ disposition, effectiveDirective, blockedURI = "" }, url) {
  if (disposition === "report" || effectiveDirective !== "connect-src") return false;
  // Of an address elsewhere a browser may tell the origin alone, or nothing but the scheme.
  return blockedURI !== "" && url.startsWith(blockedURI);
}

/**
 * What a WebSocket that could not even be made comes to. Some causes will not go away.
 * @param {any} error
 * @returns {import("./connection.js").End}
 */
export function refusal(error) {
  const hopeless = /^(Security|Syntax|Type|Reference)Error$/.test(error?.name);
  return { code: LOST, reason: UNMADE + (error?.message ?? error), hopeless };
}
