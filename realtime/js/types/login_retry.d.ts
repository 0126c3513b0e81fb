export class LoginRetry {
    /**
     * @param {string} url of the socket
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {() => void} retry connects again
     */
    constructor(url: string, environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, retry: () => void);
    /** @param {number} code the final close code; waits for a login if one would help */
    onFinalClose(code: number): void;
    /** Stop waiting: the page connects or disconnects by itself. */
    cancel(): void;
    /** The page became visible or got the focus. */
    onAttention(): void;
    /** @param {string | null} key that another tab wrote */
    onStorage(key: string | null): void;
    /** @param {boolean} resumed whether the welcome continues a session */
    onWelcome(resumed: boolean): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
