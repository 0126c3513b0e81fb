export class Announcer {
    /**
     * @param {import("./ticker.js").Ticker} ticker
     * @param {() => number} now monotonic, ms
     * @param {(state: Look) => void} say
     */
    constructor(ticker: import("./ticker.js").Ticker, now: () => number, say: (state: Look) => void);
    /** @param {Look} state as it is now; call it as often as you like */
    hear(state: Look): void;
    stop(): void;
    #private;
}
export type Look = import("./view_model.js").Look;
