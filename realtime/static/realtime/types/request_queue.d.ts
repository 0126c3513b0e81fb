export class RequestQueue {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
     * @param {Line} line
     */
    constructor(environment: Environment, elapsed: import("./sleep_aware_clock.js").SleepAwareClock, line: Line);
    /** @param {Request} request */
    add(request: Request): void;
    /**
     * A join or a leave. Nothing without a connection: the next hello names all rooms.
     * @param {Request} wish
     */
    wish(wish: Request): void;
    /** Keep all there is, and what listeners to the welcome ask for, until the restart. */
    hold(): void;
    /**
     * A new connection. Its hello has said all there is to say about rooms.
     * @param {Request[]} requests before the messages that are sent again
     */
    restart(requests: Request[]): void;
    /** @param {Frame} error what becomes of all messages */
    abandon(error: Frame): void;
    get messages(): Request[];
    /**
     * @param {Frame} frame
     * @returns {boolean} whether it was the answer to a request
     */
    answered(frame: Frame): boolean;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Frame = Record<string, any>;
export type Request = {
    frame: Frame;
    /**
     * done, or refused for good: then with a `code`
     */
    settle?: ((answer: Frame) => void) | undefined;
    /**
     * since when the server may have it
     */
    sent?: Sent | undefined;
};
/**
 * by the monotonic clock, and in time passed
 */
export type Sent = {
    now: number;
    ms: number;
};
/**
 * to the server
 */
export type Line = {
    /**
     * welcomed, and not over
     */
    isUp: () => boolean;
    /**
     * false: it is not up
     */
    send: (frame: Frame) => boolean;
};
