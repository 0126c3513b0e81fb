export class SleepAwareClock {
    /** @param {Environment} environment */
    constructor(environment: Environment);
    /** Elapsed ms since this clock was made. */
    get ms(): number;
    /** @returns {Timestamp} of this moment */
    timestamp(): Timestamp;
    /**
     * A timestamp in ms since the epoch, by the wall clock as it is set now.
     * @param {Timestamp} timestamp
     */
    toEpochMs({ wall, ms }: Timestamp): number;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
/**
 * wall clock (ms since the epoch) and elapsed ms
 */
export type Timestamp = {
    wall: number;
    ms: number;
};
