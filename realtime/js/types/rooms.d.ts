export class Rooms {
    /**
     * @param {RequestQueue} requests
     * @param {Emit} emit
     */
    constructor(requests: RequestQueue, emit: Emit);
    /** Join now and after each reconnect; does nothing if joined already. @param {string} room */
    join(room: string): void;
    /** Leave for the whole page, with a `left` event. @param {string} room */
    leave(room: string): void;
    /** Announce that nothing comes until the next connection, which continues at the positions. */
    pause(): void;
    /** The `rooms` field of a hello: room → position. */
    hello(): {
        [k: string]: Position | null;
    };
    /**
     * @param {Frame} welcome
     * @returns {Request[]} joins and leaves that the welcome did not settle
     */
    onWelcome({ rooms }: Frame): Request[];
    /** @param {Frame} frame that answers no request */
    onFrame(frame: Frame): void;
    #private;
}
export type Emit = import("./events.js").Emit;
export type RequestQueue = import("./request_queue.js").RequestQueue;
export type Request = import("./request_queue.js").Request;
export type Frame = Record<string, any>;
/**
 * of the newest publication received
 */
export type Position = {
    epoch: string;
    offset: number;
};
export type Membership = {
    room: string;
    /**
     * confirmed on this connection
     */
    joined: boolean;
    /**
     * null: from the end of the log on
     */
    position: Position | null;
    /**
     * publications since the room was left are missing
     */
    gap: boolean;
    /**
     * the application knows, by `left`, that nothing comes for now
     */
    silent: boolean;
};
