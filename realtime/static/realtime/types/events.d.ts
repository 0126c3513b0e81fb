/** What the client tells its page, with the types of it. */
/** @typedef {import("./states.js").ClientState} ClientState */
/** @typedef {{code: number, reason: string, at: number}} LastError `at`: ms since the epoch */
/**
 * Everything known at one moment. Times are ms since the epoch.
 * @typedef {object} Stats
 * @property {ClientState} state
 * @property {number} stateSince when this state began
 * @property {string} reason in words why it is not connected; "" if it is, or if you wanted it so
 * @property {boolean} degraded connected, but the server cannot reach its store
 * @property {string | null} session
 * @property {number | null} since when the session began
 * @property {string | null} user
 * @property {number | null} latency of the newest answered ping, ms
 * @property {number} pings beats of the server, each answered
 * @property {number} pongs answers to pings of our own
 * @property {number} misses pings of our own that were not answered in time
 * @property {number} attempts begun since the last welcome
 * @property {number | null} nextAttemptAt null: not waiting for one
 * @property {boolean} autoReconnect
 * @property {LastError | null} lastError
 */
/** @typedef {Stats & {previous: ClientState}} StateDetail */
/** @typedef {{session: string, user: string | null, resumed: boolean, attempts: number}} EstablishedDetail */
/** @typedef {{code: number, reason: string, willReconnect: boolean}} LostDetail */
/** @typedef {{latency: number | null}} LatencyDetail null: a ping was not answered in time */
/** @typedef {{state: "degraded" | "ok"}} NoticeDetail whether the server reaches its store */
/** @typedef {{room: string, data: any, offset: number, time: number}} MessageDetail `time`: ms since the epoch, the server's */
/** @typedef {{data: ArrayBuffer}} BytesDetail */
/** @typedef {{room: string, offset: number, recovered: boolean | null}} JoinedDetail `recovered`: whether all that was missed follows; null: nothing was */
/** @typedef {{room: string, reason: "expired" | "epoch_changed" | "ahead" | "left"}} ResyncDetail "left": the room was left in between */
/** @typedef {{room: string, code: string | null}} LeftDetail `code`: of the error, or "left" and "disconnected" after those calls of the page; null: a right has ended */
/** @typedef {{direction: "in" | "out", frame: Record<string, any>}} FrameDetail */
/** @typedef {Record<string, any> & {code: string, detail: string}} ServerErrorDetail */
/** @typedef {Error & {code: string}} SendError what `send` is rejected with */
/**
 * @typedef {object} ClientEvents
 * @property {CustomEvent<StateDetail>} state
 * @property {CustomEvent<EstablishedDetail>} connection_established
 * @property {CustomEvent<LostDetail>} connection_lost
 * @property {CustomEvent<LatencyDetail>} latency
 * @property {CustomEvent<NoticeDetail>} notice
 * @property {CustomEvent<MessageDetail>} message
 * @property {CustomEvent<BytesDetail>} bytes
 * @property {CustomEvent<JoinedDetail>} joined
 * @property {CustomEvent<ResyncDetail>} resync
 * @property {CustomEvent<LeftDetail>} left
 * @property {CustomEvent<FrameDetail>} frame
 * @property {CustomEvent<ServerErrorDetail>} server_error
 */
/** @typedef {<Type extends keyof ClientEvents>(type: Type, detail: ClientEvents[Type]["detail"]) => void} Emit */
/**
 * The listeners of an EventTarget that knows its events: another name is a mistake.
 * @template {keyof ClientEvents} K
 * @typedef {((event: ClientEvents[K]) => void) | {handleEvent: (event: ClientEvents[K]) => void}} Listener
 */
/**
 * @typedef {object} TypedTarget
 * @property {<K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | AddEventListenerOptions) => void} addEventListener
 * @property {<K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | EventListenerOptions) => void} removeEventListener
 * @property {(event: Event) => boolean} dispatchEvent
 */
export const ClientEventTarget: new () => TypedTarget;
export type ClientState = import("./states.js").ClientState;
/**
 * `at`: ms since the epoch
 */
export type LastError = {
    code: number;
    reason: string;
    at: number;
};
/**
 * Everything known at one moment. Times are ms since the epoch.
 */
export type Stats = {
    state: ClientState;
    /**
     * when this state began
     */
    stateSince: number;
    /**
     * in words why it is not connected; "" if it is, or if you wanted it so
     */
    reason: string;
    /**
     * connected, but the server cannot reach its store
     */
    degraded: boolean;
    session: string | null;
    /**
     * when the session began
     */
    since: number | null;
    user: string | null;
    /**
     * of the newest answered ping, ms
     */
    latency: number | null;
    /**
     * beats of the server, each answered
     */
    pings: number;
    /**
     * answers to pings of our own
     */
    pongs: number;
    /**
     * pings of our own that were not answered in time
     */
    misses: number;
    /**
     * begun since the last welcome
     */
    attempts: number;
    /**
     * null: not waiting for one
     */
    nextAttemptAt: number | null;
    autoReconnect: boolean;
    lastError: LastError | null;
};
export type StateDetail = Stats & {
    previous: ClientState;
};
export type EstablishedDetail = {
    session: string;
    user: string | null;
    resumed: boolean;
    attempts: number;
};
export type LostDetail = {
    code: number;
    reason: string;
    willReconnect: boolean;
};
/**
 * null: a ping was not answered in time
 */
export type LatencyDetail = {
    latency: number | null;
};
/**
 * whether the server reaches its store
 */
export type NoticeDetail = {
    state: "degraded" | "ok";
};
/**
 * `time`: ms since the epoch, the server's
 */
export type MessageDetail = {
    room: string;
    data: any;
    offset: number;
    time: number;
};
export type BytesDetail = {
    data: ArrayBuffer;
};
/**
 * `recovered`: whether all that was missed follows; null: nothing was
 */
export type JoinedDetail = {
    room: string;
    offset: number;
    recovered: boolean | null;
};
/**
 * "left": the room was left in between
 */
export type ResyncDetail = {
    room: string;
    reason: "expired" | "epoch_changed" | "ahead" | "left";
};
/**
 * `code`: of the error, or "left" and "disconnected" after those calls of the page; null: a right has ended
 */
export type LeftDetail = {
    room: string;
    code: string | null;
};
export type FrameDetail = {
    direction: "in" | "out";
    frame: Record<string, any>;
};
export type ServerErrorDetail = Record<string, any> & {
    code: string;
    detail: string;
};
/**
 * what `send` is rejected with
 */
export type SendError = Error & {
    code: string;
};
export type ClientEvents = {
    state: CustomEvent<StateDetail>;
    connection_established: CustomEvent<EstablishedDetail>;
    connection_lost: CustomEvent<LostDetail>;
    latency: CustomEvent<LatencyDetail>;
    notice: CustomEvent<NoticeDetail>;
    message: CustomEvent<MessageDetail>;
    bytes: CustomEvent<BytesDetail>;
    joined: CustomEvent<JoinedDetail>;
    resync: CustomEvent<ResyncDetail>;
    left: CustomEvent<LeftDetail>;
    frame: CustomEvent<FrameDetail>;
    server_error: CustomEvent<ServerErrorDetail>;
};
export type Emit = <Type extends keyof ClientEvents>(type: Type, detail: ClientEvents[Type]["detail"]) => void;
/**
 * The listeners of an EventTarget that knows its events: another name is a mistake.
 */
export type Listener<K extends keyof ClientEvents> = ((event: ClientEvents[K]) => void) | {
    handleEvent: (event: ClientEvents[K]) => void;
};
export type TypedTarget = {
    addEventListener: <K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | AddEventListenerOptions) => void;
    removeEventListener: <K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | EventListenerOptions) => void;
    dispatchEvent: (event: Event) => boolean;
};
