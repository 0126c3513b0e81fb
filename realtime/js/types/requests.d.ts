export class Requests {
    /**
     * @param {import("./browser_environment.js").Environment} environment
     * @param {import("./request_queue.js").FrameSender} sender
     */
    constructor(environment: import("./browser_environment.js").Environment, sender: import("./request_queue.js").FrameSender);
    /**
     * Send a request, once there is a connection. Every failure, also of these arguments, is one of
     * the reply.
     * @param {string} name
     * @param {unknown} [data]
     * @param {RequestOptions} [options]
     * @returns {Reply<any>}
     */
    request(name: string, data?: unknown, options?: RequestOptions): Reply<any>;
    /** The connection has ended: the server has cancelled those that were sent. */
    onLost(): void;
    /**
     * @param {Frame} frame
     * @param {string} text the frame as received
     * @returns {boolean} whether it is about an open request
     */
    onFrame(frame: Frame, text: string): boolean;
    /** Send those that wait, as far and as fast as the server takes them. */
    sendNext: () => void;
    /** Fail all requests. @param {string} code @param {string} detail @param {boolean} [isSent] only those that were sent */
    fail(code: string, detail: string, isSent?: boolean): void;
    #private;
}
export type Frame = Record<string, any>;
export type RequestOptions = {
    /**
     * cancels the request; the reply fails with its reason
     */
    signal?: AbortSignal | undefined;
    /**
     * ms until the whole answer is there, the wait for a connection included
     */
    timeout?: number | undefined;
};
export type OpenRequest = {
    frame: Frame;
    reply: Reply<any>;
    isSent: boolean;
    unwatch: () => void;
};
import { Reply } from "./reply.js";
