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
export function environment(overrides: Partial<Environment>): Environment;
/**
 * The absolute ws: or wss: address for a path, an http(s) or a ws(s) address.
 * @param {string} url
 */
export function socketUrl(url: string): string;
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
    storage: Storage | null;
    /**
     * gets pagehide, pageshow and online
     */
    window: EventTarget | null;
    document: (EventTarget & {
        readonly visibilityState: string;
    }) | null;
};
