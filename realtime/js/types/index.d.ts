/**
 * @typedef {import("./client.js").Options} Options
 * @typedef {import("./backoff.js").Backoff} Backoff
 * @typedef {import("./browser_environment.js").Environment} Environment
 * @typedef {import("./state_tracker.js").ClientState} ClientState
 * @typedef {import("./events.js").ClientEvents} ClientEvents
 * @typedef {import("./events.js").Stats} Stats
 * @typedef {import("./events.js").LastError} LastError
 * @typedef {import("./events.js").StateDetail} StateDetail
 * @typedef {import("./events.js").EstablishedDetail} EstablishedDetail
 * @typedef {import("./events.js").LostDetail} LostDetail
 * @typedef {import("./events.js").ConnectErrorDetail} ConnectErrorDetail
 * @typedef {import("./connect_errors.js").ConnectErrorCause} ConnectErrorCause
 * @typedef {import("./events.js").LatencyDetail} LatencyDetail
 * @typedef {import("./events.js").NoticeDetail} NoticeDetail
 * @typedef {import("./events.js").MessageDetail} MessageDetail
 * @typedef {import("./events.js").BytesDetail} BytesDetail
 * @typedef {import("./events.js").JoinedDetail} JoinedDetail
 * @typedef {import("./events.js").ResyncDetail} ResyncDetail
 * @typedef {import("./events.js").LeftDetail} LeftDetail
 * @typedef {import("./events.js").FrameDetail} FrameDetail
 * @typedef {import("./events.js").ServerErrorDetail} ServerErrorDetail
 * @typedef {import("./events.js").SendError} SendError
 * @typedef {import("./position.js").Position} Position
 * @typedef {import("./room_cursor.js").RoomOptions} RoomOptions
 * @typedef {import("./room_handle.js").RoomError} RoomError
 * @typedef {import("./use_count.js").Use} Use
 * @typedef {import("./events.js").RequestError} RequestError
 * @typedef {import("./requests.js").RequestOptions} RequestOptions
 */
/**
 * @template {keyof import("./events.js").ClientEvents} K
 * @typedef {import("./events.js").Listener<K>} Listener
 */
/**
 * @template T
 * @typedef {import("./reply.js").Reply<T>} Reply
 */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./room_handle.js").RoomHandle<Data, Person>} RoomHandle
 */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./room_handle.js").RoomEvents<Data, Person>} RoomEvents
 */
/**
 * @template [Person=any]
 * @typedef {import("./presence.js").Presence<Person>} Presence
 */
/**
 * @template [Person=any]
 * @typedef {import("./presence.js").PresentUser<Person>} PresentUser
 */
/**
 * @template [Data=any]
 * @typedef {import("./room_handle.js").RoomMessage<Data>} RoomMessage
 */
/**
 * The page's client for an address. The first call makes it with its options and connects it;
 * later calls return the same client. After `disconnect()` it connects again; after the server
 * ended it for good (4500–4999) it does not. Throws TypeError for an invalid `url`.
 * @param {Options} [options]
 */
export function connect(options?: Options): RealtimeClient;
export { RealtimeClient };
export type Options = import("./client.js").Options;
export type Backoff = import("./backoff.js").Backoff;
export type Environment = import("./browser_environment.js").Environment;
export type ClientState = import("./state_tracker.js").ClientState;
export type ClientEvents = import("./events.js").ClientEvents;
export type Stats = import("./events.js").Stats;
export type LastError = import("./events.js").LastError;
export type StateDetail = import("./events.js").StateDetail;
export type EstablishedDetail = import("./events.js").EstablishedDetail;
export type LostDetail = import("./events.js").LostDetail;
export type ConnectErrorDetail = import("./events.js").ConnectErrorDetail;
export type ConnectErrorCause = import("./connect_errors.js").ConnectErrorCause;
export type LatencyDetail = import("./events.js").LatencyDetail;
export type NoticeDetail = import("./events.js").NoticeDetail;
export type MessageDetail = import("./events.js").MessageDetail;
export type BytesDetail = import("./events.js").BytesDetail;
export type JoinedDetail = import("./events.js").JoinedDetail;
export type ResyncDetail = import("./events.js").ResyncDetail;
export type LeftDetail = import("./events.js").LeftDetail;
export type FrameDetail = import("./events.js").FrameDetail;
export type ServerErrorDetail = import("./events.js").ServerErrorDetail;
export type SendError = import("./events.js").SendError;
export type Position = import("./position.js").Position;
export type RoomOptions = import("./room_cursor.js").RoomOptions;
export type RoomError = import("./room_handle.js").RoomError;
export type Use = import("./use_count.js").Use;
export type RequestError = import("./events.js").RequestError;
export type RequestOptions = import("./requests.js").RequestOptions;
export type Listener<K extends keyof import("./events.js").ClientEvents> = import("./events.js").Listener<K>;
export type Reply<T> = import("./reply.js").Reply<T>;
export type RoomHandle<Data = any, Person = any> = import("./room_handle.js").RoomHandle<Data, Person>;
export type RoomEvents<Data = any, Person = any> = import("./room_handle.js").RoomEvents<Data, Person>;
export type Presence<Person = any> = import("./presence.js").Presence<Person>;
export type PresentUser<Person = any> = import("./presence.js").PresentUser<Person>;
export type RoomMessage<Data = any> = import("./room_handle.js").RoomMessage<Data>;
import { RealtimeClient } from "./client.js";
