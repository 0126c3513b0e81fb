export class Watchdog {
    /**
     * @param {{ping_interval: number, pong_timeout: number}} welcome the server's numbers, ms
     * @param {Environment} environment
     * @param {WatchdogCallbacks} owner
     * @param {AdaptiveTimeouts} [patience] what is known of the line
     */
    constructor(welcome: {
        ping_interval: number;
        pong_timeout: number;
    }, environment: Environment, owner: WatchdogCallbacks, patience?: AdaptiveTimeouts);
    /** A frame has come, whatever it says. */
    heard(): void;
    /**
     * Ask for a sign of life now and wait for it: 2 s, longer on a slow line. Nothing if it was
     * asked for already.
     */
    probe(): void;
    /**
     * The server has something to answer, or to take: if it is silent as long as a probe, it is
     * probed. Half-way it is asked without alarm, for it may be well and have nothing to say yet.
     */
    expect(): void;
    stop(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type WatchdogCallbacks = {
    /**
     * send a ping: any frame will do as its answer
     */
    probe: () => void;
    /**
     * a probe is unanswered, or no longer
     */
    doubt: (doubting: boolean) => void;
    /**
     * nothing more will come: stop the watchdog
     */
    lost: () => void;
};
import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
