export class Lifecycle {
    /**
     * @param {Environment} environment
     * @param {LifecycleOwner} owner
     */
    constructor(environment: Environment, owner: LifecycleOwner);
    /** @returns {"visible" | "hidden"} where there is no page at all, nobody looks away either */
    get visibility(): "visible" | "hidden";
    get started(): boolean;
    start(): void;
    stop(): void;
    #private;
}
export type Environment = import("./environment.js").Environment;
export type LifecycleOwner = {
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
     * there is new hope: a network, or somebody looking after a while
     */
    woken: () => void;
    turned: (state: "visible" | "hidden") => void;
};
