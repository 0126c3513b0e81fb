/**
 * @typedef {object} PopupParts
 * @property {HTMLElement} host the element that contains button and panel
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} panel
 * @property {() => void} onToggle after it opened or closed; calls `reposition` once it is filled
 */
export class Popup {
    /** @param {PopupParts} parts */
    constructor(parts: PopupParts);
    get isOpen(): boolean;
    open(): void;
    close(): void;
    /** Place the panel again, after the button moved or the panel grew. */
    reposition(): void;
    #private;
}
export type PopupParts = {
    /**
     * the element that contains button and panel
     */
    host: HTMLElement;
    button: HTMLButtonElement;
    panel: HTMLElement;
    /**
     * after it opened or closed; calls `reposition` once it is filled
     */
    onToggle: () => void;
};
