/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./events.js").LastError} LastError */
/** @typedef {import("./states.js").ClientState} ClientState */
export class ConnectionManager {
    /**
     * @param {Required<import("./client.js").Options> & {name: string}} options the absolute `url`;
     *   `name` and version of the software
     * @param {import("./events.js").Emit} emit
     */
    constructor({ url, name, autoReconnect, backoff, environment: overrides }: Required<import("./client.js").Options> & {
        name: string;
    }, emit: import("./events.js").Emit);
    autoReconnect: boolean;
    delivery: Messaging;
    get state(): import("./states.js").ClientState;
    /** @returns {Connection | null} one that was welcomed, also if it is in doubt */
    get connection(): Connection | null;
    connect(): void;
    /** Leave for good, and for the whole page: the session ends here and on the server. */
    disconnect(): void;
    /** Auto-reconnect was switched off: who waits, waits no longer. */
    settle(): void;
    /** As if nothing had gone wrong yet. */
    reset(): void;
    /** @returns {import("./events.js").Stats} everything known now */
    stats(): import("./events.js").Stats;
    #private;
}
export type End = import("./connection.js").End;
export type Frame = import("./connection.js").Frame;
export type LastError = import("./events.js").LastError;
export type ClientState = import("./states.js").ClientState;
import { Messaging } from "./messaging.js";
import { Connection } from "./connection.js";
