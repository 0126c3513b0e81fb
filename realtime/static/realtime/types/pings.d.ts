/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {{send: (frame: object) => void, missed: () => void}} PingsCallbacks */
/** @typedef {{resolve: (latency: number) => void, reject: (error: Error) => void}} Waiter */
export class Pings {
    /**
     * @param {Environment} environment
     * @param {() => number} patience ms after which an unanswered ping is given up
     * @param {PingsCallbacks} owner
     */
    constructor(environment: Environment, patience: () => number, owner: PingsCallbacks);
    /** Send a ping, unless one is already on its way. */
    send(): void;
    /** @returns {Promise<number>} the latency in ms */
    ask(): Promise<number>;
    /**
     * The latency in ms that a pong proves, or null if nobody waits for it.
     * @param {unknown} sequence
     */
    answer(sequence: unknown): number | null;
    /** @param {string} reason */
    abandon(reason: string): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type PingsCallbacks = {
    send: (frame: object) => void;
    missed: () => void;
};
export type Waiter = {
    resolve: (latency: number) => void;
    reject: (error: Error) => void;
};
