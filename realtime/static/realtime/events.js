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

export const ClientEventTarget = /** @type {new () => TypedTarget} */ (EventTarget);
