export class SleepAwareClock {
    /** @param {Environment} environment */
    constructor(environment: Environment);
    /** Since this was made. Each call is a look. */
    get ms(): number;
    /** @returns {Moment} */
    mark(): Moment;
    /**
     * When a moment was, in ms since the epoch, by the wall clock as it goes now.
     * @param {Moment} moment
     */
    when({ wall, ms }: Moment): number;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
/**
 * by the wall clock of then, and in time passed
 */
export type Moment = {
    wall: number;
    ms: number;
};
