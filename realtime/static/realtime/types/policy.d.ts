/**
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function forbids({ disposition, effectiveDirective, blockedURI }: Partial<SecurityPolicyViolationEvent>, url: string): boolean;
/** Whether the page's own content security policy forbids the socket. */
export const POLICY_REASON: "forbidden by the page's content security policy (connect-src)";
