/** What the client needs of the browser, in one place, so that a test can be the browser. */

/**
 * @typedef {object} Environment
 * @property {new (url: string, protocols: string) => WebSocket} WebSocket
 * @property {() => number} now monotonic clock, ms; may stand still while the device sleeps
 * @property {() => number} wall ms since the Unix epoch; jumps when the device wakes
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random evenly from [0, 1)
 * @property {Storage | null} storage
 * @property {EventTarget | null} window gets pagehide, pageshow and online
 * @property {(EventTarget & {readonly visibilityState: string}) | null} document
 */

/**
 * @param {Partial<Environment>} overrides
 * @returns {Environment}
 */
export function environment(overrides) {
  return {
    WebSocket: globalThis.WebSocket,
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    storage: sessionStorageOrNull(),
    window: globalThis.window ?? null,
    document: globalThis.document ?? null,
    ...overrides,
  };
}

function sessionStorageOrNull() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null; // merely touching it throws where cookies are blocked or in a sandbox
  }
}

/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address.
 * @param {string} url
 */
export function socketUrl(url) {
  const absolute = new URL(url, globalThis.location?.href);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}
