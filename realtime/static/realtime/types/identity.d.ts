export class IdentityKeeper {
    /**
     * @param {string} url of the socket: each server has its own sessions
     * @param {Storage | null} storage null where the browser offers none
     */
    constructor(url: string, storage: Storage | null);
    get current(): Identity | null;
    /** @param {Identity} identity */
    keep(identity: Identity): void;
    forget(): void;
    /** What a hello asks for, in the next turn; undefined: a new session. */
    resume(): {
        session: string;
        token: string;
        turn: number;
    } | undefined;
    /** The session was continued elsewhere, in how high a turn is not known: be above it. */
    overtake(): void;
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
