export class Connection {
    /**
     * Throws what the browser's WebSocket throws.
     * @param {string} url
     * @param {Environment} environment
     * @param {ConnectionCallbacks} owner
     * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} patience
     */
    constructor(url: string, environment: Environment, owner: ConnectionCallbacks, patience: import("./adaptive_timeouts.js").AdaptiveTimeouts);
    /** Whether the server has said that it cannot reach its store. */
    degraded: boolean;
    /** Nothing has come of it for a while, not even a socket: what it was made on may be gone. */
    get isStuck(): boolean;
    /**
     * @param {Frame} frame
     * @returns {boolean} whether it could be handed to the socket
     */
    send(frame: Frame): boolean;
    /**
     * A binary frame, for the application.
     * @param {BufferSource | Blob} data
     * @returns {boolean} whether it could be handed to the socket
     */
    sendBytes(data: BufferSource | Blob): boolean;
    /** Make sure that the server is still there: its silence ends the connection in 2 s or a bit more. */
    probe(): void;
    /** The same without alarming anybody: only if there is no answer the line is in doubt. */
    check(): void;
    /** @returns {Promise<number> | undefined} the latency in ms; undefined before the welcome */
    ping(): Promise<number> | undefined;
    /**
     * Close from this side. The owner is not told: it knows.
     * @param {number} [code]
     */
    close(code?: number): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type Frame = Record<string, any>;
export type End = {
    /**
     * the server's, from its goodbye or its close frame; 1006 if it sent none
     */
    code: number;
    reason: string;
    /**
     * the server's window for the return
     */
    delay?: unknown;
    /**
     * this page cannot connect, however often it tries
     */
    hopeless?: boolean | undefined;
};
export type ConnectionCallbacks = {
    /**
     * the first frame
     */
    hello: () => Frame;
    welcomed: (frame: Frame) => void;
    /**
     * every frame that was sent or is about to be served
     */
    framed: (direction: "in" | "out", frame: Frame) => void;
    doubted: (doubting: boolean) => void;
    /**
     * the client's own ping was answered, ms; or not in time
     */
    measured: (latency: number | null) => void;
    noticed: (state: "degraded" | "ok") => void;
    /**
     * a binary frame, of a welcomed connection
     */
    handed: (data: ArrayBuffer) => void;
    /**
     * a frame about rooms and messages, of a welcomed connection
     */
    told: (frame: Frame) => void;
    ended: (end: End) => void;
};
