/**
 * @param {Stats} stats
 * @param {Samples} samples
 * @param {Context} context
 */
export function facts(stats: Stats, samples: Samples, context: Context): {
    look: Look;
    word: string;
    note: string;
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
/**
 * What a screen reader is told of a look.
 * @param {Look} look
 * @param {Words} words
 */
export function spoken(look: Look, words: Words): string;
export type Stats = import("../events.js").Stats;
/**
 * a state, or a shade of connected
 */
export type Look = import("../states.js").ClientState | "degraded";
export type Words = import("./i18n.js").Words;
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
