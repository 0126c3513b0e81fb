declare const RealtimeClient_base: new () => import("./events.js").TypedTarget;
export class RealtimeClient extends RealtimeClient_base {
    /** @param {Options} [options] */
    constructor({ url, autoReconnect, backoff, environment }?: Options);
    /** The absolute address of the server's socket. */
    url: string;
    /** @returns {ClientState} */
    get state(): ClientState;
    /** Connected, but the server has said that it cannot reach its store. */
    get degraded(): boolean;
    /**
     * See to it that there is a connection: open one, stop waiting for the next attempt,
     * or, where there is one, make sure that the server still answers.
     */
    connect(): void;
    /** Leave for good, and for the whole page: the session ends here and on the server. */
    disconnect(): void;
    /**
     * Be in a room from now on, also after reconnects.
     * @param {string} room
     */
    join(room: string): void;
    /** @param {string} room */
    leave(room: string): void;
    /**
     * Say something in a room. It waits while nobody is connected.
     * @param {string} room
     * @param {unknown} data as JSON it is what the others get
     * @returns {Promise<void>} the server has it; rejected with an error whose `code` says why not
     */
    send(room: string, data: unknown): Promise<void>;
    /**
     * Say something to the application in bytes. Nothing of it is kept: who needs to know
     * whether they have come has the server answer.
     * @param {BufferSource | Blob} data
     * @returns {boolean} whether there was a connection to hand it to
     */
    sendBytes(data: BufferSource | Blob): boolean;
    enableAutoReconnect(): void;
    /** The connection stays; when it ends, or if it has ended already, no other follows. */
    disableAutoReconnect(): void;
    /** Forget attempts, grown delays and the last error, as if nothing had gone wrong yet. */
    resetReconnectState(): void;
    /** @returns {Promise<number>} the latency in ms; rejected if no answer comes */
    ping(): Promise<number>;
    /** @returns {Stats} everything known now */
    stats(): Stats;
    #private;
}
export type Stats = import("./events.js").Stats;
export type ClientState = import("./states.js").ClientState;
export type Options = {
    /**
     * path or address; default `/ws/` on the page's own host
     */
    url?: string | undefined;
    /**
     * default true
     */
    autoReconnect?: boolean | undefined;
    backoff?: Partial<import("./backoff.js").Backoff> | undefined;
    /**
     * for tests
     */
    environment?: Partial<import("./browser_environment.js").Environment> | undefined;
};
export {};
