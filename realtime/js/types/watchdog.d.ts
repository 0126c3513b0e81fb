export class Watchdog {
    /**
     * @param {{ping_interval: number, pong_timeout: number}} welcome the server's values, ms
     * @param {import("./browser_environment.js").Environment} environment
     * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
     * @param {Line} line
     * @param {Owner} owner
     */
    constructor({ ping_interval, pong_timeout }: {
        ping_interval: number;
        pong_timeout: number;
    }, environment: import("./browser_environment.js").Environment, timeouts: import("./adaptive_timeouts.js").AdaptiveTimeouts, line: Line, owner: Owner);
    /** A frame of any kind has arrived. */
    onFrame(): void;
    /** @param {number} sequence of the ping that it answers */
    onPong(sequence: number): void;
    /**
     * Ping now; without a frame the connection is lost after 2 s, later on a slow one. Does nothing
     * while a probe is outstanding.
     */
    probe(): void;
    /** A frame that the server answers was sent: without a frame, ping soon, and then doubt. */
    expectAnswer(): void;
    /**
     * Ping without doubt, unless a ping is outstanding.
     * @returns {Promise<number | string>} its latency, ms, or why there is none
     */
    ping(): Promise<number | string>;
    stop(): void;
    #private;
}
export type Line = {
    send: (frame: Record<string, any>) => void;
    /**
     * the connection is dead: stop the watchdog
     */
    onLost: () => void;
};
export type Owner = Pick<import("./connection.js").ConnectionOwner, "onLatency" | "onDoubt">;
