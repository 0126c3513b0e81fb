export class Messaging {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
     * @param {import("./request_queue.js").Line} line
     * @param {import("./events.js").Emit} emit
     */
    constructor(environment: Environment, elapsed: import("./sleep_aware_clock.js").SleepAwareClock, line: import("./request_queue.js").Line, emit: import("./events.js").Emit);
    rooms: Rooms;
    /**
     * @param {string} room
     * @param {unknown} data
     * @returns {Promise<void>} resolved when the server has it
     */
    send(room: string, data: unknown): Promise<void>;
    open(): void;
    /** @param {string} detail why nobody will take any message any more */
    close(detail: string): void;
    /** @returns {Frame} the rooms of a new connection's hello */
    hello(): Frame;
    /** @param {Frame} welcome */
    welcomed(welcome: Frame): void;
    /** @param {Frame} frame */
    told(frame: Frame): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Frame = Record<string, any>;
import { Rooms } from "./rooms.js";
