export class SendRate {
    /** @param {import("./browser_environment.js").Environment} environment */
    constructor(environment: import("./browser_environment.js").Environment);
    /** @param {number} perSecond the server's limit */
    setLimit(perSecond: number): void;
    /** Take the right to send one frame. @returns {number} 0, or the ms until there is one */
    take(): number;
    #private;
}
