export class Announcer {
    /**
     * @param {import("./ticker.js").Ticker} ticker
     * @param {() => number} now monotonic, ms
     * @param {(state: ClientState) => void} say
     */
    constructor(ticker: import("./ticker.js").Ticker, now: () => number, say: (state: ClientState) => void);
    /** @param {ClientState} state as it is now; call it as often as you like */
    hear(state: ClientState): void;
    stop(): void;
    #private;
}
export type ClientState = import("../states.js").ClientState;
