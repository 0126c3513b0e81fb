export class RoomCursor {
    /**
     * Throws TypeError for wrong options.
     * @param {RoomOptions} options
     * @param {import("./room_handle.js").RoomEmit} emit
     */
    constructor({ since, rewind }: RoomOptions, emit: import("./room_handle.js").RoomEmit);
    /** @type {Position | null} of the newest publication taken; null: not begun yet */
    position: Position | null;
    /** So many of the newest publications shall come first; 0 once the server has answered. */
    rewind: number;
    /** The `reason` of a resync at the beginning; "": nothing is lost. */
    lost: string;
    /** Confirmed on this connection. */
    isJoined: boolean;
    /** The reader wants to know the users in the room. */
    isWatching: boolean;
    emit: import("./room_handle.js").RoomEmit;
    /**
     * Begin where the page before has ended, if the options say so.
     * @param {unknown} saved its position; "": that counts no more
     */
    beginAtLast(saved: unknown): void;
    /**
     * Begin, go on or learn of a loss, as the server says; do nothing if it has to be asked again.
     * @param {Question | undefined} question that was answered
     * @param {Frame} answer a `joined` frame, or a room of the welcome
     * @param {number} stream the server sends next what follows this offset
     */
    onAnswer(question: Question | undefined, answer: Frame, stream: number): void;
    /**
     * Take a publication if it is the next one.
     * @param {Frame} publication
     * @param {string} epoch of its log
     */
    take({ offset, time, data }: Frame, epoch: string): void;
    #private;
}
export type Position = import("./position.js").Position;
export type Frame = Record<string, any>;
/**
 * where the server shall begin: after a position, or with a rewind; null: from now on
 */
export type Question = {
    epoch?: string;
    offset?: number;
    rewind?: number;
} | null;
/**
 * Where a reader begins: with what is published from now on, unless an option says otherwise.
 */
export type RoomOptions = {
    /**
     * after this position: "epoch:offset", or an
     * object; "last": after the newest that the page before in this tab has received; "": unknown
     */
    since?: "now" | "last" | import("./position.js").Position | (string & {}) | null | undefined;
    /**
     * with so many of the newest publications, 1 to 1,000
     */
    rewind?: number | undefined;
};
