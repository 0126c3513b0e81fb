export class SendRate {
    /** @param {import("./browser_environment.js").Environment} environment */
    constructor(environment: import("./browser_environment.js").Environment);
    /** @param {number} perSecond the server's limit */
    setLimit(perSecond: number): void;
    /**
     * Take the right to send one frame.
     * @param {() => void} onTurn if there is none now: called once when there may be one
     * @returns {boolean} whether there was one
     */
    take(onTurn: () => void): boolean;
    #private;
}
