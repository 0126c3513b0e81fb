/** Whether the page's own content security policy forbids the socket. */

export const POLICY_REASON = "forbidden by the page's content security policy (connect-src)";

/**
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function forbids({ disposition, effectiveDirective, blockedURI = "" }, url) {
  if (disposition === "report" || effectiveDirective !== "connect-src") return false;
  // Of an address elsewhere a browser may tell the origin alone, or nothing but the scheme.
  return blockedURI !== "" && url.startsWith(blockedURI);
}
