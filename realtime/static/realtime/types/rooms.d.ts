export class Rooms {
    /**
     * @param {RequestQueue} requests
     * @param {Emit} emit
     */
    constructor(requests: RequestQueue, emit: Emit);
    /** @param {string} room */
    join(room: string): void;
    /**
     * For the whole page: who else listens is told.
     * @param {string} room
     */
    leave(room: string): void;
    /** Nothing comes until the next connection, which goes on where this one was. */
    pause(): void;
    /** The whole truth for a new connection: how far the client has got in each of its rooms. */
    hello(): {
        [k: string]: Position | null;
    };
    /**
     * @param {Frame} welcome
     * @returns {Request[]} what it leaves to be asked for
     */
    welcomed({ user, rooms }: Frame): Request[];
    /** @param {Frame} frame what nobody has asked for */
    told(frame: Frame): void;
    #private;
}
export type Emit = import("./events.js").Emit;
export type RequestQueue = import("./request_queue.js").RequestQueue;
export type Request = import("./request_queue.js").Request;
export type Frame = Record<string, any>;
export type Position = {
    epoch: string;
    offset: number;
};
export type Place = {
    room: string;
    /**
     * as the server of this connection has said
     */
    joined: boolean;
    /**
     * null: from now on
     */
    position: Position | null;
    /**
     * what was published since the room was left is missing
     */
    gap: boolean;
    /**
     * listeners know that nothing comes for now
     */
    silent: boolean;
};
