export class RealtimeStatus extends HTMLElement {
    static observedAttributes: string[];
    /** The texts by language tag. */
    static get languages(): Record<string, Partial<import("./i18n.js").Words>>;
    /**
     * Add a language, or texts to one. Elements on the page change at once.
     * @param {string} tag as in `lang`
     * @param {Partial<import("./i18n.js").Words>} words
     */
    static addLanguage(tag: string, words: Partial<import("./i18n.js").Words>): void;
    set client(client: import("../client.js").RealtimeClient | null);
    /** The client that it shows: the page's client for its `url`, or the one that was set. */
    get client(): import("../client.js").RealtimeClient | null;
    set open(open: boolean);
    /** Whether the panel is open. */
    get open(): boolean;
    connectedCallback(): void;
    disconnectedCallback(): void;
    /** @param {string} name */
    attributeChangedCallback(name: string): void;
    #private;
}
export type RealtimeClient = import("../client.js").RealtimeClient;
export type Control = import("./view.js").Control;
