export class PageLifecycle {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
     * @param {import("./resumable_session.js").ResumableSession} session
     * @param {PageOwner} page
     */
    constructor(environment: Environment, clock: import("./sleep_aware_clock.js").SleepAwareClock, session: import("./resumable_session.js").ResumableSession, page: PageOwner);
    /** The page has left; if it is back, the page that was there may not have saved its session yet. */
    isAway: boolean;
    /** @returns {"visible" | "hidden"} "visible" where there is no document, as in a worker */
    get visibility(): "visible" | "hidden";
    get started(): boolean;
    start(): void;
    stop(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type PageOwner = {
    /**
     * the page goes, or stays after all
     */
    onBeforeUnload: () => void;
    /**
     * the page goes away, perhaps into the back-forward cache
     */
    onPageHide: () => void;
    /**
     * it comes out of that cache
     */
    onPageRestore: () => void;
    /**
     * the browser will stop the page's scripts
     */
    onFreeze: () => void;
    /**
     * it runs them again
     */
    onResume: () => void;
    /**
     * an attempt may succeed now: another network, or a visible page after a while
     */
    onWake: () => void;
    onOnline: () => void;
    /**
     * the same network became faster or slower
     */
    pingQuietly: () => void;
    probe: () => void;
    onVisibility: (state: "visible" | "hidden") => void;
    /**
     * the page became visible or got the focus
     */
    onAttention: () => void;
    /**
     * another tab wrote to the localStorage
     */
    onStorage: (key: string | null) => void;
};
