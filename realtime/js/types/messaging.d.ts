export class Messaging {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {import("./request_queue.js").Connected} connected
     * @param {import("./events.js").Emit} emit
     * @param {boolean} warnUnsent ask before the page closes with unsent messages
     */
    constructor(environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, connected: import("./request_queue.js").Connected, emit: import("./events.js").Emit, warnUnsent?: boolean);
    rooms: Rooms;
    requests: Requests;
    /** @type {string | null | undefined} of the newest welcome; null: anonymous */
    user: string | null | undefined;
    /** The number of messages that the server has not answered. */
    get pending(): number;
    /**
     * Queue a message and send it once, over as many connections as it takes.
     * @param {string} room
     * @param {unknown} data
     * @returns {Promise<import("./position.js").Position | null>} the server's answer; rejected with a SendError
     */
    send(room: string, data: unknown): Promise<import("./position.js").Position | null>;
    /**
     * A new reader of a room, until its `close()`. Throws TypeError for wrong options.
     * @param {string} name
     * @param {import("./room_cursor.js").RoomOptions} options
     */
    room(name: string, options: import("./room_cursor.js").RoomOptions): import("./room_handle.js").RoomHandle<any, any>;
    /** Take messages and requests. */
    open(): void;
    /**
     * Reject those that wait, and new ones until `open()`, with the code "disconnected".
     * @param {string} reason
     */
    close(reason: string): void;
    /** The page goes. @param {string} place of this client in the storage */
    save(place: string): void;
    /** The page stays. @param {string} place of this client in the storage */
    forget(place: string): void;
    /** The page begins, or comes back. @param {string} place of this client in the storage */
    load(place: string): void;
    /** Pause the queue until the welcome. @returns {Frame} the rooms of the hello */
    hello(): Frame;
    /**
     * The welcome's user sends from now on. Messages of another one are rejected: they would be
     * published in the wrong name. Call this before listeners send more.
     * @param {Frame} welcome
     */
    prepare({ user, resumed, max_publication, max_message_size, message_rate }: Frame): void;
    /** @param {Frame} welcome */
    onWelcome(welcome: Frame): void;
    /** @param {Frame} frame @param {string} text the frame as received */
    onFrame(frame: Frame, text: string): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Request = import("./request_queue.js").Request;
export type Frame = Record<string, any>;
import { Rooms } from "./rooms.js";
import { Requests } from "./requests.js";
