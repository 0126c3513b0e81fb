/**
 * Connect, unless the server has sent the client away for good, or the page has left or frozen.
 * @param {RealtimeClient} client
 */
export function connectIfUnused(client: RealtimeClient): void;
/** @typedef {import("./events.js").Stats} Stats */
/** @typedef {import("./state_tracker.js").ClientState} ClientState */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./room_handle.js").RoomHandle<Data, Person>} RoomHandle
 */
/**
 * @typedef {object} Options
 * @property {string} [url] path or address; default `/ws/` on the page's own host, below its script prefix
 * @property {boolean} [autoReconnect] default true
 * @property {import("./token_login.js").Auth} [auth] the login's token, or a function that gets a new one
 * @property {number} [timeout] ms for each half of an attempt; default 10,000
 * @property {Partial<import("./backoff.js").Backoff>} [backoff]
 * @property {boolean} [debug] write each event to the console, without secrets; default false
 * @property {boolean} [warnUnsent] ask before the page closes with unsent messages; default false
 * @property {Partial<import("./browser_environment.js").Environment>} [environment] for tests
 */
/** @typedef {Options & {url: string, name: string, environment: import("./browser_environment.js").Environment}} ManagerOptions */
/** The client in a hello, for people. */
export const NAME: "realtime-js/0.1.0";
declare const RealtimeClient_base: new () => import("./events.js").TypedEmitter;
export class RealtimeClient extends RealtimeClient_base {
    /**
     * Does not connect yet. Throws TypeError for an invalid `url`.
     * @param {Options} [options]
     */
    constructor({ url, debug, ...options }?: Options);
    /** The absolute address of the server's socket. */
    url: string;
    /** @returns {ClientState} */
    get state(): ClientState;
    /** Connected, but the server says that it cannot reach its store. */
    get degraded(): boolean;
    /** Open a connection; while waiting, attempt at once; while connected, probe the server. */
    connect(): void;
    /** Disconnect the whole page: the session ends here and on the server. */
    disconnect(): void;
    /**
     * Use the client as one of several components: connects it like `connect()` of the module. One
     * second after the last `release()` the client disconnects.
     */
    acquire(): import("./use_count.js").Use;
    /**
     * A room for one component, joined now and after each reconnect until the handle's `close()`. The room
     * is left one second after its last handle is closed. Throws TypeError for wrong options.
     * @template [Data=any] of its messages
     * @template [Person=any] the application's description of a user
     * @param {string} name
     * @param {RoomOptions} [options]
     * @returns {RoomHandle<Data, Person>}
     */
    room<Data = any, Person = any>(name: string, options?: RoomOptions): RoomHandle<Data, Person>;
    /**
     * Join a room, now and after each reconnect. The `joined` or `left` event gives the result.
     * @param {string} room
     */
    join(room: string): void;
    /**
     * Undo `join`, with a `left` event. The handles of the room go on.
     * @param {string} room
     */
    leave(room: string): void;
    /**
     * Send a message to a room. It waits while there is no connection.
     * @param {string} room
     * @param {unknown} data any value that JSON can express
     * @returns {Promise<import("./position.js").Position | null>} resolved when the server has it, with its place
     *   in the room; null: the application has not published it there. Rejected with a `SendError`
     */
    send(room: string, data: unknown): Promise<import("./position.js").Position | null>;
    /**
     * Ask the application for an answer to this page: await the reply, or iterate its parts, once.
     * Nothing is repeated: a request whose connection is lost fails with the code "lost".
     * @template [T=any]
     * @param {string} name
     * @param {unknown} [data] any value that JSON can express
     * @param {import("./requests.js").RequestOptions} [options]
     * @returns {import("./reply.js").Reply<T>} fails with a `RequestError`, or the signal's reason
     */
    request<T = any>(name: string, data?: unknown, options?: import("./requests.js").RequestOptions): import("./reply.js").Reply<T>;
    /**
     * Send a binary frame to the application. The client neither stores nor repeats it. Throws
     * TypeError for other data and RangeError above the server's `max_message_size`.
     * @param {BufferSource | Blob} data
     * @returns {boolean} false: there is no connection
     */
    sendBytes(data: BufferSource | Blob): boolean;
    enableAutoReconnect(): void;
    /** Keep the connection until it ends, and do not reconnect; stop waiting for an attempt. */
    disableAutoReconnect(): void;
    /** Forget attempts, grown delays and the last error; `error` becomes `disconnected`. */
    resetReconnectState(): void;
    /** @returns {Promise<number>} the latency in ms; rejected with an Error if no answer comes */
    ping(): Promise<number>;
    /** @returns {Stats} a snapshot */
    stats(): Stats;
    #private;
}
export type Stats = import("./events.js").Stats;
export type ClientState = import("./state_tracker.js").ClientState;
export type RoomOptions = import("./room_cursor.js").RoomOptions;
export type RoomHandle<Data = any, Person = any> = import("./room_handle.js").RoomHandle<Data, Person>;
export type Options = {
    /**
     * path or address; default `/ws/` on the page's own host, below its script prefix
     */
    url?: string | undefined;
    /**
     * default true
     */
    autoReconnect?: boolean | undefined;
    /**
     * the login's token, or a function that gets a new one
     */
    auth?: import("./token_login.js").Auth | undefined;
    /**
     * ms for each half of an attempt; default 10,000
     */
    timeout?: number | undefined;
    backoff?: Partial<import("./backoff.js").Backoff> | undefined;
    /**
     * write each event to the console, without secrets; default false
     */
    debug?: boolean | undefined;
    /**
     * ask before the page closes with unsent messages; default false
     */
    warnUnsent?: boolean | undefined;
    /**
     * for tests
     */
    environment?: Partial<import("./browser_environment.js").Environment> | undefined;
};
export type ManagerOptions = Options & {
    url: string;
    name: string;
    environment: import("./browser_environment.js").Environment;
};
export {};
