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
export function browserEnvironment(overrides?: Partial<Environment>): Environment;
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
     * the sessionStorage, of one tab
     */
    storage: Storage | null;
    /**
     * the localStorage, of all tabs
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
     * `navigator.connection`, where it exists
     */
    network: EventTarget | null;
    /**
     * gets securitypolicyviolation
     */
    policy: Pick<EventTarget, "addEventListener" | "removeEventListener"> | null;
};
