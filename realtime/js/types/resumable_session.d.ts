export class ResumableSession {
    /**
     * @param {string} url of the socket: each server has its own sessions
     * @param {Storage | null} storage null where the browser offers none
     * @param {{readonly ms: number}} clock elapsed ms
     * @param {Companion} companion
     */
    constructor(url: string, storage: Storage | null, clock: {
        readonly ms: number;
    }, companion: Companion);
    get current(): Session | null;
    /**
     * @param {Session} session
     * @param {number} [window] ms for which the server keeps a session without its client
     */
    set(session: Session, window?: number): void;
    /** Start with a new session at the next hello. */
    clear(): void;
    /** The hello's `resume` field, with the next turn; undefined asks for a new session. */
    resumeRequest(): {
        session: string;
        token: string;
        turn: number;
    } | undefined;
    /**
     * Whether to take back the session after another connection resumed it. True once per resume
     * window: a delayed attempt of this client may have been the other one. A second takeover
     * within the window is by another page.
     */
    reclaim(): boolean;
    /**
     * Load and remove what the page before saved; without that, keep what is in memory.
     * @returns {Record<string, unknown>} positions of its rooms, not validated
     */
    load(): Record<string, unknown>;
    /**
     * Save for the next page in this tab.
     * @param {Record<string, import("./position.js").Position | null>} [rooms] positions of its rooms
     * @param {boolean} [mayStay] whether the page may go on
     */
    save(rooms?: Record<string, import("./position.js").Position | null>, mayStay?: boolean): void;
    /** Undo `save`: the page stays, or saves again. */
    forget(): void;
    /** Let another client of this page use the storage key. */
    releaseKey(): void;
    #private;
}
/**
 * `since`: ms since the epoch
 */
export type Session = {
    session: string;
    token: string;
    since: number;
};
/**
 * Saved and loaded at the same moments, in a place of its own.
 */
export type Companion = {
    save: (key: string) => void;
    load: (key: string) => void;
    forget: (key: string) => void;
};
