/**
 * A request that sends a message.
 * @param {string} room
 * @param {string} json of the data: later changes of the application are not sent
 * @param {string} key stays the same when the message is sent again
 * @returns {Request}
 */
export function messageTo(room: string, json: string, key: string): Request;
/** @param {Request} request */
export function isMessage(request: Request): boolean;
/** Whether the client sends it again after this code. @param {string | undefined} code */
export function isTemporary(code: string | undefined): code is "unavailable" | "rate_limited";
export class RoomQueue {
    /**
     * @param {string} room
     * @param {Environment} environment
     * @param {() => void} onReady called after a pause
     */
    constructor(room: string, environment: Environment, onReady: () => void);
    /** @type {Request[]} those on their way are the first */
    requests: Request[];
    /** The id of the frame on its way; 0: none. */
    frameId: number;
    room: string;
    /** Whether a frame can be sent. */
    get isReady(): boolean;
    /**
     * Send the next frame: the server may have its messages from now on.
     * @param {number} id
     * @param {SentAt} now
     * @param {(frame: Frame) => boolean} send returns whether the frame was sent
     */
    sendNext(id: number, now: SentAt, send: (frame: Frame) => boolean): void;
    /** The frame was not sent. */
    undo(): void;
    /**
     * The server answers the frame on its way. Those to be sent again stay, behind a pause.
     * @param {Frame} frame
     * @returns {[Request, Frame][]} the final answers, to requests that were removed
     */
    onAnswer(frame: Frame): [Request, Frame][];
    /**
     * Remove requests, also from the frame on its way.
     * @param {(request: Request) => boolean} isUnwanted
     */
    remove(isUnwanted: (request: Request) => boolean): void;
    /**
     * Whether the frame is a leave of a room that the queue leaves, joins and now would leave
     * again. Removes that join.
     * @param {Frame} frame
     */
    cancelsOut({ type }: Frame): boolean;
    stop(): void;
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
     * the item travels in a frame of its own
     */
    isAlone?: boolean | undefined;
    /**
     * since when the server may have it
     */
    sentAt?: SentAt | undefined;
    /**
     * it was sent before the frame on its way
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
};
/**
 * by the monotonic and by the sleep-aware clock, ms
 */
export type SentAt = {
    now: number;
    ms: number;
};
