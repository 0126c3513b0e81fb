export class ReconnectSchedule {
    /**
     * @param {Environment} environment
     * @param {import("./backoff.js").Backoff} backoff
     * @param {() => void} attempt begins the next attempt; has to call `onAttempt()`
     */
    constructor(environment: Environment, backoff: import("./backoff.js").Backoff, attempt: () => void);
    /** Attempts begun since the last welcome. */
    attempts: number;
    get waiting(): boolean;
    /** Fields of the client's `Stats`. */
    get stats(): {
        attempts: number;
        maxAttempts: number;
        nextAttemptAt: number | null;
    };
    get exhausted(): boolean;
    onAttempt(): void;
    onWelcome(): void;
    /**
     * Schedule the next attempt after an attempt or a connection ended.
     * @param {number} code
     * @param {unknown} delay the server's window `[from, to]`, ms
     */
    schedule(code: number, delay: unknown): void;
    /**
     * Attempt sooner, because it may succeed now: at once, or after the shortest wait allowed.
     * @returns {boolean} whether it waits for another time than before
     */
    advance(): boolean;
    cancel(): void;
    /** Forget failures and attempts; a waiting schedule starts again with a first delay. */
    reset(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
