/**
 * Whether a violation of the page's content security policy blocks the socket.
 * @param {Partial<SecurityPolicyViolationEvent>} violation
 * @param {string} url of the socket
 */
export function isBlockedByPolicy({ disposition, effectiveDirective, blockedURI }: Partial<SecurityPolicyViolationEvent>, url: string): boolean;
/**
 * The end of an attempt whose WebSocket constructor threw; `permanent` if a retry cannot help.
 * @param {any} error
 * @returns {import("./connection.js").End}
 */
export function constructorFailure(error: any): import("./connection.js").End;
/**
 * The cause of a failed attempt. A browser does not tell a refused handshake from a lost line.
 * @param {Pick<import("./connection.js").End, "code" | "cause">} end
 * @returns {ConnectErrorCause}
 */
export function causeOf({ code, cause }: Pick<import("./connection.js").End, "code" | "cause">): ConnectErrorCause;
/** @typedef {"origin" | "login" | "policy" | "browser" | "timeout" | "network" | "server"} ConnectErrorCause */
export const POLICY_REASON: "forbidden by the page's content security policy (connect-src)";
export const CONSTRUCTOR_FAILED: "no connection can be made: ";
export type ConnectErrorCause = "origin" | "login" | "policy" | "browser" | "timeout" | "network" | "server";
