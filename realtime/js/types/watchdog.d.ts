export class Watchdog {
    /**
     * @param {{ping_interval: number, pong_timeout: number}} welcome the server's values, ms
     * @param {Environment} environment
     * @param {WatchdogCallbacks} callbacks
     * @param {AdaptiveTimeouts} [timeouts]
     */
    constructor(welcome: {
        ping_interval: number;
        pong_timeout: number;
    }, environment: Environment, callbacks: WatchdogCallbacks, timeouts?: AdaptiveTimeouts);
    /** A frame of any kind has arrived. */
    onFrame(): void;
    /**
     * Ping now; without a frame the connection is lost after 2 s, later on a slow one. Does nothing
     * while a probe is outstanding.
     */
    probe(): void;
    /**
     * The client sent something that the server answers. Without a frame for the time of a probe,
     * the watchdog probes; after half of it, it sends a ping without doubt, because a healthy
     * server may not have an answer yet.
     */
    expectAnswer(): void;
    stop(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type WatchdogCallbacks = {
    /**
     * any frame counts as its answer
     */
    sendPing: () => void;
    /**
     * true: a probe is unanswered; false: no longer
     */
    onDoubt: (doubting: boolean) => void;
    /**
     * the connection is dead: stop the watchdog
     */
    onLost: () => void;
};
import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
