/**
 * @param {string} room
 * @returns {Request}
 */
export function leaveRequest(room: string): Request;
export class Room {
    /**
     * @param {string} name
     * @param {import("./request_queue.js").RequestQueue} requests
     * @param {() => boolean} isUp a welcome has settled the rooms, and the connection has not ended
     * @param {import("./browser_environment.js").Environment} environment
     * @param {() => void} onEnd called when the room is over
     */
    constructor(name: string, requests: import("./request_queue.js").RequestQueue, isUp: () => boolean, environment: import("./browser_environment.js").Environment, onEnd: () => void);
    /** @type {RoomCursor | null} of the page's `join` */
    page: RoomCursor | null;
    /** @type {import("./presence.js").Presence | null} null: not known */
    presence: import("./presence.js").Presence | null;
    name: string;
    /** @param {RoomCursor} cursor of a new reader */
    add(cursor: RoomCursor): void;
    /** Ask for the publications of a new reader. */
    begin(): void;
    /**
     * Readers that the options tell so begin where the page before has ended.
     * @param {unknown} saved its position; "": that counts no more
     */
    beginAtLast(saved: unknown): void;
    /** @param {RoomCursor} cursor of a reader that ends @param {boolean} [isFinal] leave at once after the last one */
    close(cursor: RoomCursor, isFinal?: boolean): void;
    /** Announce that nothing comes until the next connection, which continues at the positions. */
    pause(): void;
    /** A new connection begins. @returns {Question} what its hello asks */
    hello(): Question;
    /** @param {Frame} entry of the welcome */
    onWelcome(entry: Frame): void;
    /** The welcome has settled what it could. @returns {Request[]} that ask for the rest */
    afterWelcome(): Request[];
    /** @param {Frame} frame that answers no request */
    onFrame(frame: Frame): void;
    /** The lowest position of the readers, in the log that the page knows. @returns {Position | null} */
    get lowest(): Position | null;
    /**
     * The reader wants to know the users in the room: those that are known, then all changes.
     * @param {RoomCursor} cursor
     */
    watch(cursor: RoomCursor): void;
    /** Ask for the users in the room, after what is queued. */
    askPresence(): void;
    #private;
}
export type Position = import("./position.js").Position;
export type Request = import("./request_queue.js").Request;
export type RoomCursor = import("./room_cursor.js").RoomCursor;
export type Question = import("./room_cursor.js").Question;
export type Frame = Record<string, any>;
