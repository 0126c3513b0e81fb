export class UseCount {
    /**
     * @param {import("./browser_environment.js").Environment} environment
     * @param {() => void} onUnused called one second after the last release
     */
    constructor(environment: import("./browser_environment.js").Environment, onUnused: () => void);
    /** @returns {Use} */
    acquire(): Use;
    #private;
}
/**
 * `release` may be called again, without effect
 */
export type Use = {
    release: () => void;
};
