/** @typedef {import("./client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./hooks/client_use.js").UseOptions} RealtimeOptions */
/** @typedef {{client: RealtimeClient, state: import("./state_tracker.js").ClientState, stats: import("./events.js").Stats}} Realtime */
/**
 * @template [Data=any]
 * @typedef {import("./room_cursor.js").RoomOptions & import("./hooks/room_use.js").RoomListeners<Data> & {client?: RealtimeClient}} UseRoomOptions
 */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./hooks/room_use.js").RoomStatus<Data, Person> & {send: (data: unknown) => Promise<any>}} Room
 */
/**
 * The page's client, connected while a component uses it, and its stats as they change. The options
 * count when the page has no client for their `url` yet.
 * @param {RealtimeOptions} [options]
 * @returns {Realtime}
 */
export function useRealtime(options?: RealtimeOptions): Realtime;
/**
 * A room, joined while the component is mounted. Another name leaves it for another room; with null
 * there is none. Listeners may be new functions with each render; `since`, `rewind` and `presence`
 * count when the room is opened.
 * @template [Data=any]
 * @template [Person=any]
 * @param {string | null} name
 * @param {UseRoomOptions<Data>} [options]
 * @returns {Room<Data, Person>}
 */
export function useRoom<Data = any, Person = any>(name: string | null, options?: UseRoomOptions<Data>): Room<Data, Person>;
export type RealtimeClient = import("./client.js").RealtimeClient;
export type RealtimeOptions = import("./hooks/client_use.js").UseOptions;
export type Realtime = {
    client: RealtimeClient;
    state: import("./state_tracker.js").ClientState;
    stats: import("./events.js").Stats;
};
export type UseRoomOptions<Data = any> = import("./room_cursor.js").RoomOptions & import("./hooks/room_use.js").RoomListeners<Data> & {
    client?: RealtimeClient;
};
export type Room<Data = any, Person = any> = import("./hooks/room_use.js").RoomStatus<Data, Person> & {
    send: (data: unknown) => Promise<any>;
};
