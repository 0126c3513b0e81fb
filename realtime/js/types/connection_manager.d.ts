/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./states.js").ClientState} ClientState */
export class ConnectionManager {
    /**
     * @param {import("./client.js").ManagerOptions} options the absolute `url`;
     *   `name` and version of the software
     * @param {import("./events.js").Emit} emit
     */
    constructor({ url, name, auth, autoReconnect, backoff, ...options }: import("./client.js").ManagerOptions, emit: import("./events.js").Emit);
    autoReconnect: boolean;
    messaging: Messaging;
    get state(): import("./states.js").ClientState;
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
    #private;
}
export type End = import("./connection.js").End;
export type Frame = import("./connection.js").Frame;
export type ClientState = import("./states.js").ClientState;
import { Messaging } from "./messaging.js";
import { Connection } from "./connection.js";
