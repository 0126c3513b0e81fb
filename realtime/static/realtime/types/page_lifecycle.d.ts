export class PageLifecycle {
    /**
     * @param {Environment} environment
     * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
     * @param {PageLifecycleCallbacks} owner
     */
    constructor(environment: Environment, elapsed: import("./sleep_aware_clock.js").SleepAwareClock, owner: PageLifecycleCallbacks);
    /** @returns {"visible" | "hidden"} where there is no page at all, nobody looks away either */
    get visibility(): "visible" | "hidden";
    get started(): boolean;
    start(): void;
    stop(): void;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
export type PageLifecycleCallbacks = {
    /**
     * the page goes away, perhaps into the back-forward cache
     */
    left: () => void;
    /**
     * out of that cache
     */
    returned: () => void;
    /**
     * the browser will stop the page's scripts
     */
    frozen: () => void;
    thawed: () => void;
    /**
     * there is new hope: another network, or a look at the page after a while
     */
    woken: () => void;
    /**
     * there is a network
     */
    online: () => void;
    /**
     * the network is the same, and faster or slower than it was
     */
    swayed: () => void;
    /**
     * the browser knows of none
     */
    offline: () => void;
    turned: (state: "visible" | "hidden") => void;
    /**
     * the page is looked at, or has got the focus
     */
    seen: () => void;
    /**
     * another tab has written to the localStorage
     */
    told: (key: string | null) => void;
};
