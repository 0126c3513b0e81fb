/** Close codes: what they mean in words, and how the client reacts. */

export const NORMAL = 1000;
export const NO_CODE = 1005;
export const LOST = 1006;
export const PAGE_FROZEN = 4006;
export const RESTARTING = 1012;
export const TAKEN_OVER = 4506;
/**
 * The server lost this client. In case it lost many its `delay` is wide enough for all of them, so the client may
 * return by backoff before.
 */
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

/** Codes after which the client returns within the server's `delay`. After others it returns with backoff. */
export const SOON = [1001, 1012, 4001, 4003, 4007, 4008]; // the server works, or says when to return

/** Codes that announce a restart: attempts fail until the server is back, and the client hides these failures. */
export const RESTARTS = [1001, 1012, 4001];

/** Codes after which the server accepts the client again once its user has logged in. */
export const LOGIN_NEEDED = [4501, 4503];

/** Final codes that leave the client `disconnected` rather than in `error`: an intended end. */
export const DISMISSED = [4500, 4503];

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
