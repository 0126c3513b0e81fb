/** Close codes: what they mean in words, and what the client does about them. */

export const NORMAL = 1000;
export const NO_CODE = 1005;
export const LOST = 1006;
export const PAGE_FROZEN = 4006;
export const RESTARTING = 1012;
export const TAKEN_OVER = 4506;

/** @type {Readonly<Record<number, string>>} What nobody else says: our server gives its reasons itself. */
const REASONS = Object.freeze({
  1000: "normal closure",
  1001: "server shutting down",
  1005: "connection closed",
  1006: "connection lost",
  1011: "server error",
  1012: "server restarting",
  4006: "page frozen",
});

// The server is well, or says when to come: at once, or within its `delay`.
const SOON = new Set([1001, 1012, 4001, 4002, 4003, 4007, 4008]);

// One client was silent; the server cannot tell whether many were, and spreads them as if.
const ALONE = new Set([4002]);

// The server said that it goes; by itself it comes back, and until then nothing answers.
const RESTARTS = new Set([1001, 1012, 4001]);

// A user who logs in elsewhere is welcome again.
const ABOUT_LOGIN = new Set([4501, 4503]);

// Somebody meant it: nothing is wrong, the client is just not wanted now.
const DISMISSED = new Set([4500, 4503]);

/** @param {number} code */
export function reasonFor(code) {
  return REASONS[code] ?? `code ${code}`;
}

/**
 * Whether the client stays away after this code: 4500–4999.
 * @param {number} code
 */
export function isFinal(code) {
  return code >= 4500 && code <= 4999;
}

/**
 * What the client does when its connection ends with this code:
 * stay away, return within the server's `delay`, or return with backoff.
 * (After its own bye it hears of no code at all.)
 * @param {number} code
 * @returns {"stay" | "soon" | "backoff"}
 */
export function behaviour(code) {
  if (isFinal(code)) return "stay";
  return SOON.has(code) ? "soon" : "backoff";
}

/**
 * Whether a final code leaves the client `disconnected` rather than in `error`.
 * @param {number} code
 */
export function isDismissal(code) {
  return DISMISSED.has(code);
}

/**
 * Whether this end says that the server restarts: what fails until it is back is no news.
 * @param {number | undefined} code
 */
export function isRestart(code) {
  return code !== undefined && RESTARTS.has(code);
}

/**
 * Whether a login would help.
 * @param {number | undefined} code
 */
export function isAboutLogin(code) {
  return code !== undefined && ABOUT_LOGIN.has(code);
}

/**
 * Whether the window of this end is longer than one client needs: backoff may come first.
 * @param {number} code
 */
export function isAlone(code) {
  return ALONE.has(code);
}
