export class Announcer {
    /**
     * @param {import("./ticker.js").Ticker} ticker
     * @param {() => number} now monotonic, ms
     * @param {(state: DisplayState) => void} announce
     */
    constructor(ticker: import("./ticker.js").Ticker, now: () => number, announce: (state: DisplayState) => void);
    /** @param {DisplayState} state the current one, changed or not */
    update(state: DisplayState): void;
    stop(): void;
    #private;
}
export type DisplayState = import("./view_model.js").DisplayState;
