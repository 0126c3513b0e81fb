export class RequestQueue {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {FrameSender} sender
     */
    constructor(environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, sender: FrameSender);
    /** @param {Request} request */
    add(request: Request): void;
    /**
     * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
     * @param {Request} request
     */
    addIfUp(request: Request): void;
    /** Send nothing until `restart`; requests of listeners to the welcome are queued. */
    pause(): void;
    /**
     * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
     * @param {Request[]} requests sent before the queued messages
     */
    restart(requests: Request[]): void;
    /** @param {Frame} error the answer to all queued messages */
    abandon(error: Frame): void;
    get messages(): Request[];
    /**
     * @param {Frame} frame
     * @returns {boolean} whether it answers the request in flight
     */
    onFrame(frame: Frame): boolean;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Frame = Record<string, any>;
export type Request = {
    frame: Frame;
    /**
     * gets the final answer; a refusal has a `code`
     */
    settle?: ((answer: Frame) => void) | undefined;
    /**
     * since when the server may have it
     */
    sentAt?: SentAt | undefined;
};
/**
 * by the monotonic and by the sleep-aware clock, ms
 */
export type SentAt = {
    now: number;
    ms: number;
};
export type FrameSender = {
    /**
     * welcomed, and not ended
     */
    isUp: () => boolean;
    /**
     * returns whether the frame was sent
     */
    send: (frame: Frame) => boolean;
};
