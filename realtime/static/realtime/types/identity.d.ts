/**
 * Who this client is to the server: the session and the token that resumes it.
 *
 * It must survive a navigation in the same tab, yet not be copied: a duplicated
 * tab, or one opened by a script or a link with an opener, starts with a copy of
 * the sessionStorage of the page it came from. Two pages with one identity would
 * push each other out of the session for ever.
 *
 * So while a page lives, its identity is in memory only and there is nothing to
 * copy. It is written when the page goes (`pagehide`) and taken out, read and
 * removed in one step, by the page that comes (load, or `pageshow` from the
 * back-forward cache). It is not written when a tab is merely hidden, because a
 * hidden tab can be duplicated as well. What this cannot save is a page that
 * crashes: the next one gets a new session and the old one is swept.
 *
 * A page in the back-forward cache keeps its copy in memory, which is safe: of all
 * pages in one tab only one is alive.
 */
/** @typedef {{session: string, token: string, since: number}} Identity */
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
    /** Take what the page before left behind; if it left nothing, what is in memory stays. */
    take(): void;
    /** Leave it to the page that comes next in this tab. */
    leave(): void;
    #private;
}
export type Identity = {
    session: string;
    token: string;
    since: number;
};
