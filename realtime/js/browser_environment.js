/** The parts of the browser that the client uses, in one place, so that tests can replace them. */

/**
 * @typedef {object} Environment
 * @property {new (url: string, protocols: string) => WebSocket} WebSocket
 * @property {() => number} now monotonic clock, ms; may stand still while the device sleeps
 * @property {() => number} wall ms since the Unix epoch; jumps when the device wakes
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random evenly from [0, 1)
 * @property {Storage | null} storage the sessionStorage, of one tab
 * @property {Storage | null} local the localStorage, of all tabs
 * @property {EventTarget | null} window gets pagehide, pageshow, focus, storage, online, offline
 * @property {(EventTarget & {readonly visibilityState: string}) | null} document
 * @property {EventTarget | null} network `navigator.connection`, where it exists
 * @property {Pick<EventTarget, "addEventListener" | "removeEventListener"> | null} policy gets securitypolicyviolation
 */

/**
 * The environment of this page or worker, with some parts replaced.
 * @param {Partial<Environment>} [overrides]
 * @returns {Environment}
 */
export function browserEnvironment(overrides) {
  const { document = null, navigator, WebSocket } = globalThis;
  const page = "addEventListener" in globalThis ? globalThis : null; // or a worker
  return {
    WebSocket,
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    random: Math.random,
    storage: storageOrNull("sessionStorage"),
    local: storageOrNull("localStorage"),
    window: globalThis.window ?? page, // a worker gets online and offline, too
    document,
    network: /** @type {any} */ (navigator)?.connection ?? null,
    policy: document ?? page,
    ...overrides,
  };
}

/** @param {"sessionStorage" | "localStorage"} name */
function storageOrNull(name) {
  if (!globalThis.window) return null; // Node has a localStorage too, and prints a warning
  try {
    return globalThis[name] ?? null;
  } catch {
    return null; // reading the property throws where cookies are blocked or in a sandbox
  }
}
