/**
 * Gets each publication of its room once, in order, or `resync`.
 * @template [Data=any]
 * @template [Person=any]
 * @extends {Emitter<RoomEvents<Data, Person>>}
 */
export class RoomHandle<Data = any, Person = any> extends Emitter<RoomEvents<Data, Person>> {
    /**
     * @param {string} name
     * @param {import("./room_cursor.js").RoomOptions} options
     * @param {(data: unknown) => Promise<any>} send
     * @param {(cursor: RoomCursor) => import("./room.js").Room} open begins to read the room
     */
    constructor(name: string, options: import("./room_cursor.js").RoomOptions, send: (data: unknown) => Promise<any>, open: (cursor: RoomCursor) => import("./room.js").Room);
    name: string;
    /**
     * Of the newest message, or where the handle began; null: not begun. It stays after the end: a new
     * handle with it as `since` goes on from there.
     */
    get position(): import("./position.js").Position | null;
    /**
     * The users in the room, as of the newest `presence` event; null: not known, or no listener wants them.
     * @returns {Presence<Person> | null}
     */
    get presence(): Presence<Person> | null;
    /**
     * Resolved once the room is joined, which waits for a connection; rejected with a `RoomError`: with
     * the code "left" by `close()`, with "disconnected" by `disconnect()` or when the server sends the
     * client away for good; a new one waits for the next `connect()` then. It needs no `catch`.
     */
    get joined(): Promise<void>;
    /**
     * Send a message to the room. It waits while there is no connection.
     * @param {unknown} data any value that JSON can express
     * @returns {Promise<import("./position.js").Position | null>} as `send` of the client
     */
    send(data: unknown): Promise<import("./position.js").Position | null>;
    /** End this handle; other handles of the room go on. No event follows. */
    close(): void;
    /**
     * The messages from now on, until `close()`. Throws a `RoomError` when the room is left otherwise, and
     * one with the code "behind" when more than 1,000 messages are unread.
     * @returns {AsyncGenerator<RoomMessage<Data>, void, void>}
     */
    [Symbol.asyncIterator](): AsyncGenerator<RoomMessage<Data>, void, void>;
    #private;
}
/**
 * The events of a handle: the details that its listeners get.
 */
export type RoomEvents<Data = any, Person = any> = {
    message: RoomMessage<Data>;
    /**
     * the users in the room, when a listener is there and after each change
     */
    presence: Presence<Person>;
    /**
     * also after each reconnect; `offset`: newest of the log;
     * `recovered`: whether all missed publications follow; null: none were missed
     */
    joined: {
        offset: number;
        recovered: boolean | null;
    };
    /**
     * publications are lost:
     * load the state anew. `initial`: they are after the position that the handle began with, so a reload could repeat it
     */
    resync: {
        reason: "expired" | "epoch_changed" | "ahead" | "unknown";
        initial: boolean;
    };
    /**
     * nothing comes any more. `code`: of the error; "disconnected": until the next
     * `connect()`; null: a permission ended
     */
    left: {
        code: string | null;
    };
};
export type RoomMessage<Data = any> = {
    data: Data;
    /**
     * in the log of the room
     */
    offset: number;
    /**
     * ms since the epoch, the server's
     */
    time: number;
    /**
     * from before the handle began, by its `rewind`
     */
    replayed: boolean;
};
export type Presence<Person = any> = import("./presence.js").Presence<Person>;
/**
 * the rejection of `joined`, and what an iterator throws
 */
export type RoomError = Error & {
    code: string;
};
export type RoomEmit = (type: keyof RoomEvents, detail: any) => void;
import { Emitter } from "./emitter.js";
import { RoomCursor } from "./room_cursor.js";
