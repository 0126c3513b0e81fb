/**
 * A request that sends a message.
 * @param {string} room
 * @param {string} json of the data: later changes of the application are not sent
 * @param {string} key stays the same when the message is sent again
 * @returns {Message}
 */
export function messageTo(room: string, json: string, key: string): Message;
/** Whether the client sends it again after this code. @param {string | undefined} code */
export function isTemporary(code: string | undefined): code is "unavailable" | "rate_limited";
export const MAX_BYTES: 65536;
export class RequestQueue {
    /**
     * @param {Environment} environment
     * @param {{readonly ms: number}} clock elapsed ms, sleep included
     * @param {FrameSender} sender
     */
    constructor(environment: Environment, clock: {
        readonly ms: number;
    }, sender: FrameSender);
    /** A welcome has settled the rooms. Otherwise nothing is sent; requests of listeners are queued. */
    isOpen: boolean;
    /** Of a frame's data; the tenth frame above the server's limit ends the session. */
    maxBytes: number;
    /** Add a message, which is sent with the others of this tick. @param {Request} message */
    addMessage(message: Request): void;
    /**
     * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
     * @param {Request} request
     */
    addIfUp(request: Request): void;
    /**
     * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
     * @param {Request[]} requests sent before the queued messages to the same rooms
     */
    restart(requests: Request[]): void;
    /** Replace all requests before a connection. @param {Message[]} messages */
    set messages(messages: Message[]);
    /** The messages that are not answered, those to a room in their order. */
    get messages(): Message[];
    /**
     * Remove requests.
     * @param {Request[]} requests
     * @param {Frame} answer the final one
     */
    settle(requests: Request[], answer: Frame): void;
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
export type Frame = Record<string, any>;
/**
 * A join or a leave, which is its `frame`; or a message, whose `item` travels with others.
 */
export type Request = {
    /**
     * with its `room`
     */
    frame: Frame;
    /**
     * gets the final answer; a refusal has a `code`
     */
    settle?: ((answer: Frame) => void) | undefined;
    item?: {
        data: any;
        key: string;
    } | undefined;
    /**
     * of the item's data
     */
    bytes?: number | undefined;
    /**
     * it travels in a frame of its own: the server could not read one with others
     */
    isAlone?: boolean | undefined;
    /**
     * of the frame on its way with it; 0: none
     */
    frameId?: number | undefined;
    /**
     * in the items of that frame
     */
    place?: number | undefined;
    /**
     * temporary refusals on this connection
     */
    failures?: number | undefined;
    /**
     * after the newest of these; by the monotonic clock, ms
     */
    waitsUntil?: number | undefined;
    /**
     * since when the server may have it, by the monotonic and by
     * the sleep-aware clock, ms
     */
    sentAt?: {
        now: number;
        ms: number;
    } | undefined;
    /**
     * it was sent before the newest frame
     */
    isRepeated?: boolean | undefined;
    /**
     * who sends it; null: an anonymous one; none: not known yet
     */
    user?: string | null | undefined;
    /**
     * an earlier page of this tab has sent it
     */
    isRestored?: boolean | undefined;
    /**
     * it is in the storage, for the next page
     */
    isSaved?: boolean | undefined;
};
export type Message = Request & {
    item: {
        data: any;
        key: string;
    };
    bytes: number;
};
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
export type Limits = {
    rate: import("./send_rate.js").SendRate;
    /**
     * the data as JSON; throws an error with the code "invalid_message" or
     * "disconnected": the server can read what passes, and does not disconnect the client for good
     */
    toJson: (data: unknown) => string;
};
export type FrameSender = Connected & Limits;
