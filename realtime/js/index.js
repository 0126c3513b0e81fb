/** The public module of the client, bundled as `realtime.js`. */

import { connectIfUnused, RealtimeClient } from "./client.js";
import { pageClient } from "./page_clients.js";

export { RealtimeClient };

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
export function connect(options = {}) {
  const client = pageClient(options);
  connectIfUnused(client);
  return client;
}
