/** A room as a component uses it: the same for every framework. */
/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("../position.js").Position} Position */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("../room_handle.js").RoomHandle<Data, Person>} RoomHandle
 */
/**
 * @template [Data=any]
 * @typedef {object} RoomListeners
 * @property {(message: import("../room_handle.js").RoomMessage<Data>) => void} [onMessage]
 * @property {(detail: import("../room_handle.js").RoomEvents["resync"]) => void} [onResync] load the state anew
 * @property {boolean} [presence] follow the users in the room, from when it is opened
 */
/**
 * How a component stands to its room.
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {object} RoomStatus
 * @property {RoomHandle<Data, Person> | null} room null: not mounted yet, or no room wanted
 * @property {boolean} joined
 * @property {import("../room_handle.js").RoomEvents["left"] | null} left null: not left since it was joined
 * @property {import("../presence.js").Presence<Person> | null} presence null: not known, or not wanted
 */
/** @type {Readonly<RoomStatus>} */
export const NOT_JOINED: Readonly<RoomStatus>;
export class RoomUse {
    /**
     * @param {RealtimeClient} client
     * @param {string | null} name null: no room
     * @param {() => import("../room_cursor.js").RoomOptions & RoomListeners} options as they are now: the
     *   beginning counts when the room is opened, the listeners at each event
     */
    constructor(client: RealtimeClient, name: string | null, options: () => import("../room_cursor.js").RoomOptions & RoomListeners);
    /** @type {Readonly<RoomStatus>} a new object after each change, else the same */
    status: Readonly<RoomStatus>;
    client: import("../client.js").RealtimeClient;
    name: string | null;
    /**
     * Keep the client connected and the room joined until the returned function is called. A later call
     * goes on from there: a framework may end the effects of a component and keep its state.
     * @param {() => void} onChange called after each change of `status`
     * @returns {() => void}
     */
    subscribe: (onChange: () => void) => () => void;
    /**
     * Send a message to the room; it needs no handle. Rejected with a `SendError`.
     * @param {unknown} data
     * @returns {Promise<any>}
     */
    send: (data: unknown) => Promise<any>;
    #private;
}
export type RealtimeClient = import("../client.js").RealtimeClient;
export type Position = import("../position.js").Position;
export type RoomHandle<Data = any, Person = any> = import("../room_handle.js").RoomHandle<Data, Person>;
export type RoomListeners<Data = any> = {
    onMessage?: ((message: import("../room_handle.js").RoomMessage<Data>) => void) | undefined;
    /**
     * load the state anew
     */
    onResync?: ((detail: import("../room_handle.js").RoomEvents["resync"]) => void) | undefined;
    /**
     * follow the users in the room, from when it is opened
     */
    presence?: boolean | undefined;
};
/**
 * How a component stands to its room.
 */
export type RoomStatus<Data = any, Person = any> = {
    /**
     * null: not mounted yet, or no room wanted
     */
    room: RoomHandle<Data, Person> | null;
    joined: boolean;
    /**
     * null: not left since it was joined
     */
    left: import("../room_handle.js").RoomEvents["left"] | null;
    /**
     * null: not known, or not wanted
     */
    presence: import("../presence.js").Presence<Person> | null;
};
