export class TokenSource {
    /**
     * @param {Auth | undefined} auth
     * @param {import("./browser_environment.js").Environment} environment
     */
    constructor(auth: Auth | undefined, environment: import("./browser_environment.js").Environment);
    /** The kept token; undefined without one. */
    get current(): string | undefined;
    /** Whether a token has to be fetched before the next hello. */
    get isMissing(): boolean;
    /**
     * A new token, which is kept unless it was forgotten meanwhile. Rejected if the page's function
     * fails, does not answer within PATIENCE or returns no token; the reason says nothing of what it
     * returned.
     * @returns {Promise<string>}
     */
    fetch(): Promise<string>;
    /** Forget the token, and the one that is on its way: the next may be of another user. */
    forget(): void;
    /** The server has welcomed the client. */
    onWelcome(): void;
    /**
     * The server has refused the token, or the login has expired: drop it.
     * @returns {boolean} whether another token may help: this one was accepted before
     */
    refuse(): boolean;
    get isUsed(): boolean;
    #private;
}
export type Auth = string | (() => string | Promise<string>);
