/**
 * One room of the page: its readers, and how far the server's stream has got on this connection.
 *
 * Invariants:
 *
 * 1. A reader takes the publication after its position and no other, so it gets each once, in order.
 * 2. The stream is the position after which the server sends next. It follows from the newest answer
 *    and the publications since then, not from the readers.
 * 3. The stream serves a reader whose position is at or beyond it, in the same log, and not beyond the
 *    log's known end. For any other one the server has to be asked again, from the lowest position.
 * 4. An answer says the log's epoch and end, so it decides about each reader that is not in this log.
 *    `recovered: false` decides about readers at or before the position asked for only: the log may
 *    still reach back to the others, which are asked for next.
 */
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
    room: string;
    linger: import("./timer.js").Timer;
    /** A new connection begins. */
    reset(): void;
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
    #private;
}
export type Position = import("./position.js").Position;
export type RoomCursor = import("./room_cursor.js").RoomCursor;
export type Question = import("./room_cursor.js").Question;
export type Frame = Record<string, any>;
