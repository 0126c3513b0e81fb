export class View {
    /**
     * @param {ShadowRoot} root
     * @param {(control: Control) => void} onUse
     */
    constructor(root: ShadowRoot, onUse: (control: Control) => void);
    button: HTMLButtonElement;
    closeButton: HTMLButtonElement;
    panel: HTMLDivElement;
    /**
     * Write the texts that do not depend on the client.
     * @param {Words} words
     */
    translate(words: Words): void;
    /** @param {ViewModel} model */
    renderButton({ displayState, word, note, countdown }: ViewModel): void;
    /**
     * @param {ViewModel} model
     * @param {import("./sparkline.js").Samples} samples
     */
    renderPanel(model: ViewModel, samples: import("./sparkline.js").Samples): void;
    /** @param {string} text for screen readers */
    announce(text: string): void;
    #private;
}
export type ViewModel = ReturnType<typeof import("./view_model.js").viewModel>;
export type Words = import("./i18n.js").Words;
export type Control = "reconnect" | "disconnect" | "ping" | "reset" | "autoReconnect";
