export class Requests {
    /**
     * @param {Environment} environment
     * @param {(frame: Frame) => boolean} send false: there is no connection that was welcomed
     */
    constructor(environment: Environment, send: (frame: Frame) => boolean);
    /** @param {Request[]} requests */
    add(...requests: Request[]): void;
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
export type Environment = import("./environment.js").Environment;
export type Frame = Record<string, any>;
export type Request = {
    frame: Frame;
    /**
     * done, or refused for good: then with a `code`
     */
    settle?: ((answer: Frame) => void) | undefined;
};
