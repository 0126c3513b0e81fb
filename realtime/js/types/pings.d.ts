/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {{send: (frame: object) => void, onMiss: () => void}} PingsCallbacks */
/** @typedef {{resolve: (latency: number) => void, reject: (error: Error) => void}} Waiter */
export class Pings {
    /**
     * @param {Environment} environment
     * @param {() => number} timeoutMs the wait for an answer, read at each ping
     * @param {PingsCallbacks} callbacks
     */
    constructor(environment: Environment, timeoutMs: () => number, callbacks: PingsCallbacks);
    /** Send a ping, unless one is outstanding. */
    send(): void;
    /** @returns {Promise<number>} the latency in ms; rejected at the timeout or by `rejectAll` */
    measure(): Promise<number>;
    /**
     * The latency in ms, or null if the pong does not answer the outstanding ping.
     * @param {unknown} sequence
     */
    onPong(sequence: unknown): number | null;
    /**
     * Forget the outstanding ping; its callers get an Error.
     * @param {string} reason
     */
    rejectAll(reason: string): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type PingsCallbacks = {
    send: (frame: object) => void;
    onMiss: () => void;
};
export type Waiter = {
    resolve: (latency: number) => void;
    reject: (error: Error) => void;
};
