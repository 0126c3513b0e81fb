export class Rooms {
    /**
     * @param {import("./request_queue.js").RequestQueue} requests
     * @param {() => boolean} isUp a welcome has settled the rooms, and the connection has not ended
     * @param {import("./browser_environment.js").Environment} environment
     * @param {import("./events.js").Emit} emit
     */
    constructor(requests: import("./request_queue.js").RequestQueue, isUp: () => boolean, environment: import("./browser_environment.js").Environment, emit: import("./events.js").Emit);
    /**
     * A new reader of a room, until its `close()`. Throws TypeError for wrong options.
     * @param {string} name
     * @param {RoomOptions} options
     * @param {(data: unknown) => Promise<any>} send
     * @returns {RoomHandle<any>}
     */
    open(name: string, options: RoomOptions, send: (data: unknown) => Promise<any>): RoomHandle<any>;
    /** Join now and after each reconnect; does nothing if joined already. @param {string} name */
    join(name: string): void;
    /** Leave with a `left` event; handles of the room go on. @param {string} name */
    leave(name: string): void;
    /** Announce that nothing comes until the next connection, which continues at the positions. */
    pause(): void;
    /** Positions of the rooms for the next page of this tab. */
    positions(): {
        [k: string]: import("./position.js").Position | null;
    };
    /** @param {Record<string, unknown>} positions of the page before; only the first ones count */
    onLoad(positions: Record<string, unknown>): void;
    /** The `rooms` field of a hello: where the server shall begin in each. */
    hello(): any;
    /**
     * @param {Frame} welcome
     * @returns {Request[]} joins and leaves that the welcome did not settle
     */
    onWelcome({ rooms, resumed }: Frame): Request[];
    /** @param {Frame} frame that answers no request */
    onFrame(frame: Frame): void;
    /** Ask for the users in the rooms, after what is queued. */
    askPresence(): void;
    #private;
}
export type Request = import("./request_queue.js").Request;
export type RoomOptions = import("./room_cursor.js").RoomOptions;
export type Frame = Record<string, any>;
import { RoomHandle } from "./room_handle.js";
