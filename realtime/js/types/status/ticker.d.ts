export class Ticker {
    /** @param {import("../browser_environment.js").Environment} environment */
    constructor(environment: import("../browser_environment.js").Environment);
    get running(): boolean;
    /** @param {() => void} listener */
    add(listener: () => void): void;
    /** @param {() => void} listener */
    delete(listener: () => void): void;
    #private;
}
export const ticker: Ticker;
