/**
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function forbids({ disposition, effectiveDirective, blockedURI }: Partial<SecurityPolicyViolationEvent>, url: string): boolean;
/**
 * What a WebSocket that could not even be made comes to. Some causes will not go away.
 * @param {any} error
 * @returns {import("./connection.js").End}
 */
export function refusal(error: any): import("./connection.js").End;
export const POLICY_REASON: "forbidden by the page's content security policy (connect-src)";
export const UNMADE: "no connection can be made: ";
