/** What the client needs of the browser, in one place, so that a test can be the browser. */
/**
 * @typedef {object} Environment
 * @property {new (url: string, protocols: string) => WebSocket} WebSocket
 * @property {() => number} now monotonic clock, ms; may stand still while the device sleeps
 * @property {() => number} wall ms since the Unix epoch; jumps when the device wakes
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random evenly from [0, 1)
 * @property {Storage | null} storage of the tab
 * @property {Storage | null} local of all tabs
 * @property {EventTarget | null} window gets pagehide, pageshow, focus, storage, online, offline
 * @property {(EventTarget & {readonly visibilityState: string}) | null} document
 * @property {EventTarget | null} network `navigator.connection`, where there is one
 * @property {Pick<EventTarget, "addEventListener" | "removeEventListener"> | null} policy gets securitypolicyviolation
 */
/**
 * @param {Partial<Environment>} overrides
 * @returns {Environment}
 */
export function environment(overrides: Partial<Environment>): Environment;
export type Environment = {
    WebSocket: new (url: string, protocols: string) => WebSocket;
    /**
     * monotonic clock, ms; may stand still while the device sleeps
     */
    now: () => number;
    /**
     * ms since the Unix epoch; jumps when the device wakes
     */
    wall: () => number;
    setTimeout: (callback: () => void, ms: number) => unknown;
    clearTimeout: (timer: any) => void;
    /**
     * evenly from [0, 1)
     */
    random: () => number;
    /**
     * of the tab
     */
    storage: Storage | null;
    /**
     * of all tabs
     */
    local: Storage | null;
    /**
     * gets pagehide, pageshow, focus, storage, online, offline
     */
    window: EventTarget | null;
    document: (EventTarget & {
        readonly visibilityState: string;
    }) | null;
    /**
     * `navigator.connection`, where there is one
     */
    network: EventTarget | null;
    /**
     * gets securitypolicyviolation
     */
    policy: Pick<EventTarget, "addEventListener" | "removeEventListener"> | null;
};
