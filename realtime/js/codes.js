/** Close codes: what they mean in words, and how the client reacts. */

export const NORMAL = 1000;
export const NO_CODE = 1005;
export const LOST = 1006;
export const PAGE_FROZEN = 4006;
export const RESTARTING = 1012;
export const TAKEN_OVER = 4506;
export const HEARTBEAT_TIMEOUT = 4002;
export const CREDENTIALS_CHANGED = 4008;
export const NOT_AUTHENTICATED = 4501;
export const ORIGIN_REFUSED = 4502;

/** @type {Readonly<Record<number, string>>} For codes that come without a reason; the server sends its own. */
const REASONS = {
  1000: "normal closure",
  1001: "server shutting down",
  1005: "connection closed",
  1006: "connection lost",
  1011: "server error",
  1012: "server restarting",
  4006: "page frozen",
};

// The server works, or says when to return: at once, or within its `delay`.
const SOON = [1001, 1012, 4001, 4003, 4007, 4008];

// The server announced a restart: attempts fail until it is back.
const RESTARTS = [1001, 1012, 4001];

// The server accepts the client again after a login.
const LOGIN_NEEDED = [4501, 4503];

// An intended end, not an error.
const DISMISSED = [4500, 4503];

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
 * Whether the client returns within the server's `delay`. Otherwise it returns with backoff.
 * @param {number} code that is not final
 */
export function isSoon(code) {
  return SOON.includes(code);
}

/**
 * Whether a final code leaves the client `disconnected` rather than in `error`.
 * @param {number} code
 */
export function isDismissal(code) {
  return DISMISSED.includes(code);
}

/**
 * Whether the code announces a restart; until the next welcome the client hides failures.
 * @param {number} code
 */
export function isRestart(code) {
  return RESTARTS.includes(code);
}

/**
 * Whether the server accepts the client again once its user has logged in.
 * @param {number | undefined} code
 */
export function isLoginNeeded(code) {
  return LOGIN_NEEDED.includes(/** @type {any} */ (code));
}

/**
 * Whether the client may return by backoff before the server's `delay` has passed: the server lost
 * this client, and in case it lost many the `delay` is wide enough for all of them.
 * @param {number} code
 */
export function hasWideDelay(code) {
  return code === HEARTBEAT_TIMEOUT;
}
