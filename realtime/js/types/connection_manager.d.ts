/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./state_tracker.js").ClientState} ClientState */
export class ConnectionManager {
    /**
     * @param {import("./client.js").ManagerOptions} options the absolute `url`;
     *   `name` and version of the software
     * @param {import("./events.js").Emit} emit
     */
    constructor({ url, name, auth, environment, autoReconnect, ...options }: import("./client.js").ManagerOptions, emit: import("./events.js").Emit);
    emit: import("./events.js").Emit;
    messaging: Messaging;
    get state(): import("./state_tracker.js").ClientState;
    /** @returns {Connection | null} a welcomed one, also while a probe is unanswered */
    get connection(): Connection | null;
    /** Connect; while waiting, attempt now; while connected, probe the server. */
    connect(): void;
    /** Disconnect the whole page: the session ends here and on the server. */
    disconnect(): void;
    /** Reconnect after a loss; or do not, and wait for no attempt. @param {boolean} isOn */
    setAutoReconnect(isOn: boolean): void;
    /** Forget attempts, grown delays and the last error; `error` becomes `disconnected`. */
    reset(): void;
    /** @returns {import("./events.js").Stats} */
    stats(): import("./events.js").Stats;
    /** @returns {Frame} */
    hello(): Frame;
    /** @param {Frame} frame */
    onWelcome(frame: Frame): void;
    /** @param {"in" | "out"} direction @param {Frame} frame */
    onFrame(direction: "in" | "out", frame: Frame): void;
    /** @param {boolean} doubting */
    onDoubt(doubting: boolean): void;
    /** @param {number | null} latency */
    onLatency(latency: number | null): void;
    onAuthExpiring(): void;
    /** An attempt failed or a connection ended. @param {End} end */
    onEnd(end: End): void;
    onBeforeUnload(): void;
    onPageHide(): void;
    onPageRestore(): void;
    onFreeze(): void;
    onResume(): void;
    onWake(): void;
    onOnline(): void;
    probe(): void;
    pingQuietly(): void;
    /** @param {"visible" | "hidden"} state */
    onVisibility(state: "visible" | "hidden"): void;
    onAttention(): void;
    /** @param {string | null} key */
    onStorage(key: string | null): void;
    #private;
}
export type End = import("./connection.js").End;
export type Frame = import("./connection.js").Frame;
export type ClientState = import("./state_tracker.js").ClientState;
import { Messaging } from "./messaging.js";
import { Connection } from "./connection.js";
