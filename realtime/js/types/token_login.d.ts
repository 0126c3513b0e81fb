export class TokenLogin {
    /**
     * @param {Auth | undefined} auth
     * @param {import("./browser_environment.js").Environment} environment
     * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
     * @param {(end: import("./connection.js").End) => void} fail ends an attempt
     */
    constructor(auth: Auth | undefined, environment: import("./browser_environment.js").Environment, timeouts: import("./adaptive_timeouts.js").AdaptiveTimeouts, fail: (end: import("./connection.js").End) => void);
    /** The `auth` of the hello. */
    get auth(): string | undefined;
    /**
     * Call `connect` once there is a token; not at all after `cancel`, or if another attempt has begun
     * meanwhile.
     * @param {() => void} connect
     * @returns {boolean} whether it was called at once: there is a token, or none is needed
     */
    attempt(connect: () => void): boolean;
    /** The attempt under way, if any, is over. */
    cancel(): void;
    /**
     * Bring a new token on the connection that asks for it. Without one the server asks again.
     * @param {Connection | null} connection which takes nothing once it has ended
     */
    renew(connection: Connection | null): Promise<void>;
    /** The server has welcomed the client. */
    onWelcome(): void;
    /** Forget the token, and the one that is on its way: the next may be of another user. */
    forget(): void;
    /**
     * Drop a token that the server has refused, and that of a client which the server has sent away.
     * @param {number} code
     * @returns {boolean} whether the client stays away: another token does not help
     */
    onEnd(code: number): boolean;
    #private;
}
export type Auth = string | (() => string | Promise<string>);
export type Connection = import("./connection.js").Connection;
