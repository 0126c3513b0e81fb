export class ReconnectSchedule {
    /**
     * @param {Environment} environment
     * @param {import("./backoff.js").Backoff} backoff
     * @param {() => void} attempt
     */
    constructor(environment: Environment, backoff: import("./backoff.js").Backoff, attempt: () => void);
    /** Attempts begun since the last welcome. */
    attempts: number;
    get waiting(): boolean;
    /** When, in ms since the epoch by the wall clock as it goes now; null: not waiting. */
    get nextAttemptAt(): number | null;
    get exhausted(): boolean;
    /** An attempt begins. */
    begun(): void;
    /** It was welcomed. */
    succeeded(): void;
    /**
     * It, or the connection it led to, has ended: try again in due time.
     * @param {number} code
     * @param {unknown} delay the window that the server gave
     */
    plan(code: number, delay: unknown): void;
    /**
     * There is new hope: do not wait the whole delay.
     * @returns {boolean} whether the delay is another now
     */
    hurry(): boolean;
    cancel(): void;
    /** As if nothing had gone wrong yet. Who is waiting waits anew, for a first delay. */
    reset(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
