export class LoginRetry {
    /**
     * @param {string} url of the socket
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
     * @param {() => void} ask
     */
    constructor(url: string, environment: Environment, elapsed: import("./sleep_aware_clock.js").SleepAwareClock, ask: () => void);
    /** @param {number} code with which the server has ended it for good */
    sentAway(code: number): void;
    /** There is, or will be, a connection that was asked for; or none is wanted. */
    settle(): void;
    /** The page is looked at again. */
    seen(): void;
    /** @param {string | null} key what another tab has written */
    told(key: string | null): void;
    /** @param {boolean} resumed */
    welcomed(resumed: boolean): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
