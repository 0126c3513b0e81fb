export class Ticker {
    /** @param {import("../environment.js").Environment} environment */
    constructor(environment: import("../environment.js").Environment);
    get running(): boolean;
    /** @param {() => void} listener */
    add(listener: () => void): void;
    /** @param {() => void} listener */
    delete(listener: () => void): void;
    #private;
}
export const ticker: Ticker;
