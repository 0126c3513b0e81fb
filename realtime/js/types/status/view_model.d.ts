/**
 * @param {Stats} stats
 * @param {Samples} samples
 * @param {Context} context
 */
export function viewModel(stats: Stats, samples: Samples, context: Context): {
    displayState: DisplayState;
    word: string;
    note: string;
    countdown: string;
    text: string;
    since: string;
    network: string;
    session: string;
    latency: string;
    latencyRange: string;
    pings: string;
    pongs: string;
    misses: string;
    reconnects: string;
    pending: string;
    lastPing: string;
    lastPong: string;
    attempts: string;
    lastError: string;
    enabled: {
        reconnect: boolean;
        disconnect: boolean;
        ping: boolean;
    };
    autoReconnect: boolean;
};
/**
 * The announcement for screen readers.
 * @param {DisplayState} state
 * @param {Words} words
 */
export function announcement(state: DisplayState, words: Words): string;
export type Stats = import("../events.js").Stats;
/**
 * "degraded": connected, with a notice
 */
export type DisplayState = import("../state_tracker.js").ClientState | "degraded";
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
