/** @typedef {import("./position.js").Position} Position */
/** @typedef {import("./room_cursor.js").RoomCursor} RoomCursor */
/** @typedef {import("./room_cursor.js").Question} Question */
/** @typedef {Record<string, any>} Frame */
export class RoomMembership {
    /**
     * @param {string} room
     * @param {import("./timer.js").Timer} linger runs while there is no reader
     */
    constructor(room: string, linger: import("./timer.js").Timer);
    /** @type {Set<RoomCursor>} */
    cursors: Set<RoomCursor>;
    /** @type {RoomCursor | null} the one of the page's `join` */
    page: RoomCursor | null;
    /** @type {Question | undefined} of the newest hello; undefined: it did not name the room */
    hello: Question | undefined;
    /** @type {Question | undefined} of a join that is queued or sent */
    asked: Question | undefined;
    /** The application knows, by `left`, that nothing comes for now. */
    isSilent: boolean;
    /** @type {Position | null} after which the server sends next; null: not joined on this connection */
    stream: Position | null;
    /** @type {Set<import("./room_handle.js").RoomEmit>} of the readers that want to know the users in the room */
    watchers: Set<import("./room_handle.js").RoomEmit>;
    /** @type {import("./presence.js").Presence | null} null: not known */
    presence: import("./presence.js").Presence | null;
    /** The server was asked for it on this connection. */
    isWatched: boolean;
    room: string;
    linger: import("./timer.js").Timer;
    /** A new connection begins. */
    reset(): void;
    /** The queue has dropped its requests. */
    forgetRequests(): void;
    /** The lowest position of the readers, in the log that the page knows. @returns {Position | null} */
    get lowest(): Position | null;
    /** @returns {Question} what to ask the server for */
    get question(): Question;
    /** Whether the server does all that it should for the readers. */
    get isServed(): boolean | null;
    /** Let new readers begin that need no answer of the server: now, or where the stream gets to. */
    beginServed(): void;
    /**
     * @param {Question | undefined} question undefined: the room was joined again meanwhile
     * @param {Frame} answer
     */
    onAnswer(question: Question | undefined, answer: Frame): void;
    /** @param {Frame} publication */
    onPublication(publication: Frame): void;
    /** @param {Frame} frame */
    onPresence(frame: Frame): void;
    #private;
}
export type Position = import("./position.js").Position;
export type RoomCursor = import("./room_cursor.js").RoomCursor;
export type Question = import("./room_cursor.js").Question;
export type Frame = Record<string, any>;
