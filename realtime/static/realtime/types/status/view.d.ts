export class View {
    /**
     * @param {ShadowRoot} root
     * @param {(control: Control) => void} use
     */
    constructor(root: ShadowRoot, use: (control: Control) => void);
    button: HTMLButtonElement;
    panel: HTMLDivElement;
    /**
     * What does not depend on the client.
     * @param {Words} words
     */
    speak(words: Words): void;
    /** @param {Facts} facts */
    show(facts: Facts): void;
    /**
     * The panel's contents.
     * @param {Facts} facts
     * @param {import("./sparkline.js").Samples} samples
     */
    detail(facts: Facts, samples: import("./sparkline.js").Samples): void;
    /** @param {string} text for those who do not see */
    say(text: string): void;
    #private;
}
export type Facts = ReturnType<typeof import("./view_model.js").facts>;
export type Words = import("./i18n.js").Words;
export type Control = "reconnect" | "disconnect" | "ping" | "reset" | "autoReconnect";
