export class ElementGroup {
    /** @param {RealtimeClient} client */
    static of(client: RealtimeClient): ElementGroup;
    /** @param {RealtimeClient} client */
    constructor(client: RealtimeClient);
    /** @type {import("./sparkline.js").Samples} at most SAMPLES, oldest first */
    samples: import("./sparkline.js").Samples;
    /** @param {object} element */
    add(element: object): void;
    /** @param {object} element */
    delete(element: object): void;
    /**
     * One of several elements speaks for all, or a screen reader would repeat itself.
     * @param {object} element
     */
    isSpeaker(element: object): boolean;
    /**
     * Ping for the latency, unless somebody did so just now.
     * @param {number} now monotonic, ms
     */
    measure(now: number): void;
    #private;
}
export type RealtimeClient = import("../client.js").RealtimeClient;
