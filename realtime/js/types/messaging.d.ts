export class Messaging {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {import("./request_queue.js").FrameSender} sender
     * @param {import("./events.js").Emit} emit
     */
    constructor(environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, sender: import("./request_queue.js").FrameSender, emit: import("./events.js").Emit);
    rooms: Rooms;
    /**
     * Queue a message and send it once, over as many connections as it takes.
     * @param {string} room
     * @param {unknown} data
     * @returns {Promise<void>} resolved by the server's ack; rejected with a SendError
     */
    send(room: string, data: unknown): Promise<void>;
    /** Accept messages. */
    open(): void;
    /**
     * Reject queued messages, and new ones until `open()`, with the code "disconnected".
     * @param {string} reason
     */
    close(reason: string): void;
    /** Pause the queue until the welcome. @returns {Frame} the rooms of the hello */
    hello(): Frame;
    /** @param {Frame} welcome */
    onWelcome(welcome: Frame): void;
    /** @param {Frame} frame */
    onFrame(frame: Frame): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Frame = Record<string, any>;
import { Rooms } from "./rooms.js";
