/** @param {number} code */
export function reasonFor(code: number): string;
/**
 * Whether the client stays away after this code: 4500–4999.
 * @param {number} code
 */
export function isFinal(code: number): boolean;
/**
 * What the client does when its connection ends with this code:
 * stay away, return within the server's `delay`, or return with backoff.
 * (After its own bye it hears of no code at all.)
 * @param {number} code
 * @returns {"stay" | "soon" | "backoff"}
 */
export function behaviour(code: number): "stay" | "soon" | "backoff";
/**
 * Whether a final code leaves the client `disconnected` rather than in `error`.
 * @param {number} code
 */
export function isDismissal(code: number): boolean;
/**
 * Whether this end says that the server restarts: what fails until it is back is no news.
 * @param {number | undefined} code
 */
export function isRestart(code: number | undefined): boolean;
/**
 * Whether a login would help.
 * @param {number | undefined} code
 */
export function isAboutLogin(code: number | undefined): boolean;
/**
 * Whether the window of this end is longer than one client needs: backoff may come first.
 * @param {number} code
 */
export function isAlone(code: number): boolean;
/** Close codes: what they mean in words, and what the client does about them. */
export const NORMAL: 1000;
export const NO_CODE: 1005;
export const LOST: 1006;
export const PAGE_FROZEN: 4006;
export const RESTARTING: 1012;
export const TAKEN_OVER: 4506;
