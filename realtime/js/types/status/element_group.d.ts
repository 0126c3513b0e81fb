/** The group of a client, made at the first call. @param {RealtimeClient} client */
export function groupOf(client: RealtimeClient): ElementGroup;
export class ElementGroup {
    /** @param {RealtimeClient} client */
    constructor(client: RealtimeClient);
    /** @type {import("./sparkline.js").Samples} at most MAX_SAMPLES, oldest first */
    samples: import("./sparkline.js").Samples;
    /** @param {Element} element */
    add(element: Element): void;
    /** @param {Element} element */
    delete(element: Element): void;
    /**
     * Whether this element announces for all, so that screen readers hear each state once. They do not
     * hear what the page hides: the first element that is shown announces.
     * @param {Element} element
     */
    isAnnouncer(element: Element): boolean;
    /**
     * Ping for the latency, at most once in 3 s for all elements.
     * @param {number} now monotonic, ms
     */
    measureLatency(now: number): void;
    #private;
}
export type RealtimeClient = import("../client.js").RealtimeClient;
