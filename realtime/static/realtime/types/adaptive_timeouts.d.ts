export class AdaptiveTimeouts {
    /** For a part of an attempt, ms: until the socket is open, and from there to the welcome. */
    get opening(): number;
    /**
     * For the answer of a server that is there, ms.
     * @param {number} least on a quick line
     */
    answer(least: number): number;
    /** An attempt was given up: the next one waits twice as long, or a slow line never opens. */
    gaveUp(): void;
    /**
     * @param {{pong_timeout: number, max_missed?: number}} welcome
     * @param {number} took ms from the hello; the server may have let it wait
     */
    welcomed({ pong_timeout, max_missed }: {
        pong_timeout: number;
        max_missed?: number;
    }, took: number): void;
    /** @param {number} latency ms, of a ping */
    measured(latency: number): void;
    #private;
}
