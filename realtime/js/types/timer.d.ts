export class Timer {
    /** @param {Environment} environment */
    constructor(environment: Environment);
    /**
     * Call `callback` once after `ms`. Replaces the time that was set before.
     * @param {number} ms
     * @param {() => void} callback
     */
    set(ms: number, callback: () => void): void;
    clear(): void;
    get pending(): boolean;
    #private;
}
export type Environment = import("./browser_environment.js").Environment;
