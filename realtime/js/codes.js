/** Close codes: what they mean in words, and how the client reacts. */

export const NORMAL = 1000;
export const NO_CODE = 1005;
export const LOST = 1006;
export const PAGE_FROZEN = 4006;
export const RESTARTING = 1012;
export const TAKEN_OVER = 4506;
export const CREDENTIALS_CHANGED = 4008;
export const NOT_AUTHENTICATED = 4501;
export const ORIGIN_REFUSED = 4502;

/** @type {Readonly<Record<number, string>>} For codes that come without a reason; the server sends its own. */
const REASONS = Object.freeze({
  1000: "normal closure",
  1001: "server shutting down",
  1005: "connection closed",
  1006: "connection lost",
  1011: "server error",
  1012: "server restarting",
  4006: "page frozen",
});

// The server works, or says when to return: at once, or within its `delay`.
const SOON = new Set([1001, 1012, 4001, 4002, 4003, 4007, 4008]);

// The server lost this client. In case it lost many, its `delay` is wide enough for all of them.
const WIDE_DELAY = new Set([4002]);

// The server announced a restart: attempts fail until it is back.
const RESTARTS = new Set([1001, 1012, 4001]);

// The server accepts the client again after a login.
const LOGIN_NEEDED = new Set([4501, 4503]);

// An intended end, not an error.
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
 * The client's reaction to a close code: stay away, return within the server's `delay`, or
 * return with backoff. (After its own bye the client ignores the code.)
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
 * Whether the code announces a restart; until the next welcome the client hides failures.
 * @param {number | undefined} code
 */
export function isRestart(code) {
  return code !== undefined && RESTARTS.has(code);
}

/**
 * Whether the server accepts the client again once its user has logged in.
 * @param {number | undefined} code
 */
export function isLoginNeeded(code) {
  return code !== undefined && LOGIN_NEEDED.has(code);
}

/**
 * Whether the client may return by backoff before the server's `delay` has passed.
 * @param {number} code
 */
export function hasWideDelay(code) {
  return WIDE_DELAY.has(code);
}
