export class Connection {
    /**
     * Opens the socket. Throws what the WebSocket constructor throws.
     * @param {string} url
     * @param {Environment} environment
     * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
     * @param {ConnectionOwner} owner
     */
    constructor(url: string, environment: Environment, timeouts: import("./adaptive_timeouts.js").AdaptiveTimeouts, owner: ConnectionOwner);
    /** Whether the server's newest notice says that it cannot reach its store. */
    degraded: boolean;
    /** Whether an attempt makes no progress: the network it began on may be gone. */
    get isStuck(): boolean;
    /**
     * @param {Frame} frame
     * @returns {boolean} whether the socket took it
     */
    send(frame: Frame): boolean;
    /**
     * Send a binary frame. Throws TypeError for other data and RangeError above the server's limit.
     * @param {BufferSource | Blob} data
     * @returns {boolean} whether the socket took it
     */
    sendBytes(data: BufferSource | Blob): boolean;
    /** Check with doubt: a server that stays silent for 2 s (longer on a slow line) is lost. */
    probe(): void;
    /** Check without doubt: the connection is in doubt only if no answer comes in time. */
    pingQuietly(): void;
    /** @returns {Promise<number | string> | undefined} as of the watchdog; undefined before the welcome */
    ping(): Promise<number | string> | undefined;
    /**
     * Close from this side. No callback follows, and `onEnd` is not called.
     * @param {number} [code]
     */
    close(code?: number): void;
    /** The watchdog has given the connection up. */
    onLost(): void;
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
     * the server's window `[from, to]` for the return, ms
     */
    delay?: unknown;
    /**
     * a retry from this page cannot succeed
     */
    permanent?: boolean | undefined;
    /**
     * of a failed attempt, where the code does not give it
     */
    cause?: import("./connect_errors.js").ConnectErrorCause | undefined;
};
export type ConnectionOwner = {
    emit: import("./events.js").Emit;
    /**
     * returns the first frame
     */
    hello: () => Frame;
    onWelcome: (welcome: Frame) => void;
    /**
     * after each sent frame, and before each received one is handled
     */
    onFrame: (direction: "in" | "out", frame: Frame) => void;
    /**
     * true: a probe is unanswered; false: no longer
     */
    onDoubt: (doubting: boolean) => void;
    /**
     * of the client's own ping, ms; null: no answer in time
     */
    onLatency: (latency: number | null) => void;
    /**
     * the login needs a new token
     */
    onAuthExpiring: () => void;
    /**
     * gets frames about rooms, messages and requests, after the welcome
     */
    messaging: {
        onFrame: (frame: Frame, text: string) => void;
    };
    onEnd: (end: End) => void;
};
