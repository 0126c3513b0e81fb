/** The events of the client and the types of their details. */

import { Emitter } from "./emitter.js";

/** @typedef {import("./state_tracker.js").ClientState} ClientState */

/** @typedef {{code: number, reason: string, at: number}} LastError `at`: ms since the epoch */

/**
 * A snapshot of the client. Times are ms since the epoch.
 * @typedef {object} Stats
 * @property {ClientState} state
 * @property {number} stateSince start of the state
 * @property {string} reason why it is not connected; "" if it is, or after `disconnect()`
 * @property {boolean} degraded connected, but the server cannot reach its store
 * @property {number | null} connectedSince null: not connected
 * @property {number} reconnects connections of this page after its first one
 * @property {"websocket" | null} transport null: not connected
 * @property {boolean} online false: the device has no network at all
 * @property {string | null} session
 * @property {number | null} since start of the session
 * @property {string | null} user
 * @property {number | null} latency of the newest answered ping, ms
 * @property {number} pings of the server, each answered
 * @property {number | null} lastPingAt of the newest of them
 * @property {number} pongs answers to the client's own pings
 * @property {number | null} lastPongAt of the newest of them
 * @property {number} misses the client's own pings without an answer in time
 * @property {number} attempts begun since the last welcome
 * @property {number} maxAttempts after which the client gives up; may be infinite
 * @property {number | null} nextAttemptAt null: not waiting for one
 * @property {number} pending messages that the server has not answered
 * @property {boolean} autoReconnect
 * @property {LastError | null} lastError
 */

/** @typedef {Stats & {previous: ClientState}} StateDetail */
/** @typedef {{session: string, user: string | null, resumed: boolean, attempts: number}} EstablishedDetail */
/** @typedef {{code: number, reason: string, willReconnect: boolean}} LostDetail */
/** @typedef {LostDetail & {cause: import("./connect_errors.js").ConnectErrorCause}} ConnectErrorDetail */
/** @typedef {{latency: number | null}} LatencyDetail ms; null: a ping had no answer in time */
/** @typedef {{state: "degraded" | "ok"}} NoticeDetail whether the server reaches its store */
/** @typedef {{room: string, data: any, offset: number, time: number}} MessageDetail `time`: ms since the epoch, the server's */
/** @typedef {{data: ArrayBuffer}} BytesDetail */
/** @typedef {{room: string, offset: number, recovered: boolean | null}} JoinedDetail `recovered`: whether all missed publications follow; null: none were missed */
/** @typedef {{room: string, reason: "expired" | "epoch_changed" | "ahead" | "left"}} ResyncDetail "left": the room was left in between */
/** @typedef {{room: string, code: string | null}} LeftDetail `code`: of the error; "left" and "disconnected" after `leave()` and `disconnect()`; null: a permission ended */
/** @typedef {{direction: "in" | "out", frame: Record<string, any>}} FrameDetail */
/** @typedef {Record<string, any> & {code: string, detail: string}} ServerErrorDetail */
/** @typedef {Error & {code: string}} SendError the rejection of `send` */
/** @typedef {Error & {code: string}} RequestError the failure of a reply */

/**
 * @typedef {object} ClientEvents
 * @property {CustomEvent<StateDetail>} state
 * @property {CustomEvent<EstablishedDetail>} connection_established
 * @property {CustomEvent<LostDetail>} connection_lost
 * @property {CustomEvent<ConnectErrorDetail>} connect_error
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
 * A listener of an EventTarget with typed events: other event names are type errors.
 * @template {keyof ClientEvents} K
 * @typedef {((event: ClientEvents[K]) => void) | {handleEvent: (event: ClientEvents[K]) => void}} Listener
 */

/**
 * @typedef {object} TypedTarget
 * @property {<K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | AddEventListenerOptions) => void} addEventListener
 * @property {<K extends keyof ClientEvents>(type: K, listener: Listener<K> | null, options?: boolean | EventListenerOptions) => void} removeEventListener
 * @property {(event: Event) => boolean} dispatchEvent
 */

/** @typedef {{[K in keyof ClientEvents]: ClientEvents[K]["detail"]}} ClientDetails */
/** @typedef {TypedTarget & Pick<Emitter<ClientDetails>, "on" | "once" | "off">} TypedEmitter */

export const ClientEventTarget = /** @type {new () => TypedEmitter} */ (
  /** @type {unknown} */ (Emitter)
);
