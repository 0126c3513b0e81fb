export class AdaptiveTimeouts {
    /** @param {number} [attemptMs] for each half of a first attempt on a fast connection */
    constructor(attemptMs?: number);
    /** For each half of an attempt, ms: until the socket opens, then until the welcome. */
    get attemptMs(): number;
    /**
     * For a connection that has to be made first, ms.
     * @param {number} least ms on a fast line
     */
    openingMs(least: number): number;
    /**
     * For an answer on an established connection, ms.
     * @param {number} least ms on a fast connection
     */
    answerMs(least: number): number;
    /** An attempt timed out: the next one waits twice as long, so that a slow line can open. */
    onAttemptTimeout(): void;
    /**
     * @param {{pong_timeout: number, max_missed?: number}} welcome `pong_timeout` in ms
     * @param {number} took ms from hello to welcome; may include the server's own delay
     */
    onWelcome({ pong_timeout, max_missed }: {
        pong_timeout: number;
        max_missed?: number;
    }, took: number): void;
    /** @param {number} latency ms, of an answered ping; the first one replaces the estimate */
    onLatency(latency: number): void;
    #private;
}
