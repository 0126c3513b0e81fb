/** @typedef {import("./client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("./hooks/client_use.js").UseOptions} RealtimeOptions */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/** @template T @typedef {import("vue").ComputedRef<T>} ComputedRef */
/**
 * @typedef {object} Realtime
 * @property {RealtimeClient} client
 * @property {ComputedRef<import("./state_tracker.js").ClientState>} state
 * @property {ComputedRef<import("./events.js").Stats>} stats
 */
/**
 * @template [Data=any]
 * @typedef {import("./hooks/room_use.js").RoomListeners<Data> & Beginning} UseRoomOptions
 */
/**
 * @typedef {object} Beginning
 * @property {RealtimeClient} [client] instead of the page's
 * @property {import("vue").MaybeRefOrGetter<RoomOptions["since"]>} [since]
 * @property {import("vue").MaybeRefOrGetter<number>} [rewind]
 */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {object} Room
 * @property {ComputedRef<import("./room_handle.js").RoomHandle<Data, Person> | null>} room null: not mounted yet, or no room wanted
 * @property {ComputedRef<boolean>} joined
 * @property {ComputedRef<import("./room_handle.js").RoomEvents["left"] | null>} left null: not left since it was joined
 * @property {ComputedRef<import("./presence.js").Presence<Person> | null>} presence null: not known, or not wanted
 * @property {(data: unknown) => Promise<any>} send
 */
/**
 * The page's client, connected while a component or an effect scope uses it, and its stats as they
 * change. The options count when the page has no client for their `url` yet.
 * @param {RealtimeOptions} [options]
 * @returns {Realtime}
 */
export function useRealtime(options?: RealtimeOptions): Realtime;
/**
 * A room, joined while the component is mounted or the effect scope lives. Another name leaves it for
 * another room; with null there is none. `since`, `rewind` and `presence` count when the room is opened.
 * @template [Data=any]
 * @template [Person=any]
 * @param {import("vue").MaybeRefOrGetter<string | null>} name
 * @param {UseRoomOptions<Data>} [options]
 * @returns {Room<Data, Person>}
 */
export function useRoom<Data = any, Person = any>(name: import("vue").MaybeRefOrGetter<string | null>, options?: UseRoomOptions<Data>): Room<Data, Person>;
export type RealtimeClient = import("./client.js").RealtimeClient;
export type RealtimeOptions = import("./hooks/client_use.js").UseOptions;
export type RoomOptions = import("./room_cursor.js").RoomOptions;
export type ComputedRef<T> = import("vue").ComputedRef<T>;
export type Realtime = {
    client: RealtimeClient;
    state: ComputedRef<import("./state_tracker.js").ClientState>;
    stats: ComputedRef<import("./events.js").Stats>;
};
export type UseRoomOptions<Data = any> = import("./hooks/room_use.js").RoomListeners<Data> & Beginning;
export type Beginning = {
    /**
     * instead of the page's
     */
    client?: import("./client.js").RealtimeClient | undefined;
    since?: import("vue").MaybeRefOrGetter<RoomOptions["since"]>;
    rewind?: import("vue").MaybeRefOrGetter<number> | undefined;
};
export type Room<Data = any, Person = any> = {
    /**
     * null: not mounted yet, or no room wanted
     */
    room: ComputedRef<import("./room_handle.js").RoomHandle<Data, Person> | null>;
    joined: ComputedRef<boolean>;
    /**
     * null: not left since it was joined
     */
    left: ComputedRef<import("./room_handle.js").RoomEvents["left"] | null>;
    /**
     * null: not known, or not wanted
     */
    presence: ComputedRef<import("./presence.js").Presence<Person> | null>;
    send: (data: unknown) => Promise<any>;
};
