export class ResumableSession {
    /**
     * @param {string} url of the socket: each server has its own sessions
     * @param {Storage | null} storage null where the browser offers none
     * @param {{readonly ms: number}} [elapsed] time passed
     */
    constructor(url: string, storage: Storage | null, elapsed?: {
        readonly ms: number;
    });
    get current(): Identity | null;
    /**
     * @param {Identity} identity
     * @param {number} [window] ms for which the server keeps a session without its client
     */
    keep(identity: Identity, window?: number): void;
    forget(): void;
    /** What a hello asks for, in the next turn; undefined: a new session. */
    resume(): {
        session: string;
        token: string;
        turn: number;
    } | undefined;
    /**
     * The session was continued elsewhere: whether to take it back. An attempt of our own that was
     * given up may have come late; who takes it once more within the window means it.
     */
    overtakes(): boolean;
    /** Take what the page before left behind; if it left nothing, what is in memory stays. */
    take(): void;
    /** Leave it to the page that comes next in this tab. */
    leave(): void;
    /** Let another client of this page have the place. */
    release(): void;
    #private;
}
export type Identity = {
    session: string;
    token: string;
    since: number;
};
