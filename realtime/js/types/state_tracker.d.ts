/** @typedef {"disconnected" | "connecting" | "connected" | "unstable" | "error"} ClientState */
export class StateTracker {
    /** @param {import("./sleep_aware_clock.js").SleepAwareClock} clock */
    constructor(clock: import("./sleep_aware_clock.js").SleepAwareClock);
    /** @type {ClientState} */
    state: ClientState;
    reason: string;
    /** @type {import("./events.js").LastError | null} */
    lastError: import("./events.js").LastError | null;
    /** The server announced a restart. Lost connections do not change `lastError` meanwhile. */
    isRestarting: boolean;
    /** Fields of the client's `Stats`. */
    get stats(): {
        lastError: import("./events.js").LastError | null;
        latency: number | null;
        pings: number;
        lastPingAt: number | null;
        pongs: number;
        lastPongAt: number | null;
        misses: number;
        state: ClientState;
        reason: string;
        stateSince: number;
        connectedSince: number | null;
        reconnects: number;
        transport: "websocket" | null;
    };
    /** Welcomed by the server, also while a probe is unanswered. */
    get isUp(): boolean;
    /** Not connected, and no attempt is under way or scheduled. */
    get isIdle(): boolean;
    /** An attempt or a connection has ended. @param {import("./events.js").LastError} error */
    onError(error: import("./events.js").LastError): void;
    /** The server has sent a ping. */
    onPing(): void;
    /** @param {number | null} latency of the client's own ping, ms; null: no answer in time */
    onLatency(latency: number | null): void;
    /** @param {ClientState} state @param {string} [reason] */
    enter(state: ClientState, reason?: string): void;
    #private;
}
export type ClientState = "disconnected" | "connecting" | "connected" | "unstable" | "error";
