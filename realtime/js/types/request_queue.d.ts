export class RequestQueue {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {FrameSender} sender
     */
    constructor(environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, sender: FrameSender);
    /** Add a message, which is sent with the others of this tick. @param {Request} message */
    addMessage(message: Request): void;
    /**
     * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
     * @param {Request} request
     */
    addIfUp(request: Request): void;
    /** Send nothing until `restart`; requests of listeners to the welcome are queued. */
    pause(): void;
    /**
     * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
     * @param {Request[]} before sent before the queued messages to the same rooms
     * @param {Request[]} after sent after them
     */
    restart(before: Request[], after: Request[]): void;
    /** Replace all requests before a connection. @param {Request[]} messages */
    set messages(messages: Request[]);
    /** The messages that are not answered, those to a room in their order. */
    get messages(): Request[];
    /**
     * Reject messages.
     * @param {Request[]} messages
     * @param {Frame} error
     */
    reject(messages: Request[], error: Frame): void;
    /** Drop all requests. @param {Frame} error the answer to the messages among them */
    abandon(error: Frame): void;
    /**
     * @param {Frame} frame
     * @returns {boolean} whether it answers a request on its way
     */
    onFrame(frame: Frame): boolean;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Request = import("./room_queue.js").Request;
export type SentAt = import("./room_queue.js").SentAt;
export type Frame = Record<string, any>;
export type Connected = {
    /**
     * welcomed, and not ended
     */
    isUp: () => boolean;
    /**
     * returns whether the frame was sent
     */
    send: (frame: Frame) => boolean;
};
export type FrameSender = Connected & {
    rate: import("./send_rate.js").SendRate;
    gate: import("./send_gate.js").SendGate;
};
