/**
 * @param {Stats} stats
 * @param {Samples} samples
 * @param {Context} context
 */
export function facts(stats: Stats, samples: Samples, context: Context): {
    state: import("../states.js").ClientState;
    word: string;
    countdown: string;
    text: string;
    since: string;
    session: string;
    latency: string;
    latencyRange: string;
    pings: string;
    pongs: string;
    misses: string;
    attempts: string;
    lastError: string;
    can: {
        reconnect: boolean;
        disconnect: boolean;
        ping: boolean;
    };
    autoReconnect: boolean;
};
export type Stats = import("../events.js").Stats;
export type Words = import("./words.js").Words;
export type Formats = import("./format.js").Formats;
export type Samples = import("./sparkline.js").Samples;
export type Context = {
    /**
     * ms since the epoch
     */
    now: number;
    words: Words;
    formats: Formats;
};
