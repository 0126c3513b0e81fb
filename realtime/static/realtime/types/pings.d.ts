/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {{send: (frame: object) => void, missed: () => void}} PingsOwner */
/** @typedef {{resolve: (latency: number) => void, reject: (error: Error) => void}} Waiter */
export class Pings {
    /**
     * @param {Environment} environment
     * @param {() => number} patience ms after which an unanswered ping is given up
     * @param {PingsOwner} owner
     */
    constructor(environment: Environment, patience: () => number, owner: PingsOwner);
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
export type Environment = import("./environment.js").Environment;
export type PingsOwner = {
    send: (frame: object) => void;
    missed: () => void;
};
export type Waiter = {
    resolve: (latency: number) => void;
    reject: (error: Error) => void;
};
