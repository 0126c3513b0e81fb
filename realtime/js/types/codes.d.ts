/** @param {number} code */
export function reasonFor(code: number): string;
/**
 * Whether the client stays away after this code: 4500–4999.
 * @param {number} code
 */
export function isFinal(code: number): boolean;
/**
 * Whether the client returns within the server's `delay`. Otherwise it returns with backoff.
 * @param {number} code that is not final
 */
export function isSoon(code: number): boolean;
/**
 * Whether a final code leaves the client `disconnected` rather than in `error`.
 * @param {number} code
 */
export function isDismissal(code: number): boolean;
/**
 * Whether the code announces a restart; until the next welcome the client hides failures.
 * @param {number} code
 */
export function isRestart(code: number): boolean;
/**
 * Whether the server accepts the client again once its user has logged in.
 * @param {number | undefined} code
 */
export function isLoginNeeded(code: number | undefined): boolean;
/**
 * Whether the client may return by backoff before the server's `delay` has passed: the server lost
 * this client, and in case it lost many the `delay` is wide enough for all of them.
 * @param {number} code
 */
export function hasWideDelay(code: number): code is 4002;
/** Close codes: what they mean in words, and how the client reacts. */
export const NORMAL: 1000;
export const NO_CODE: 1005;
export const LOST: 1006;
export const PAGE_FROZEN: 4006;
export const RESTARTING: 1012;
export const TAKEN_OVER: 4506;
export const HEARTBEAT_TIMEOUT: 4002;
export const CREDENTIALS_CHANGED: 4008;
export const NOT_AUTHENTICATED: 4501;
export const ORIGIN_REFUSED: 4502;
