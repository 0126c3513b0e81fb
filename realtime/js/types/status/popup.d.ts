/**
 * @typedef {object} PopupParts
 * @property {HTMLElement} host contains button and panel; with `details` the panel is in the flow
 * @property {HTMLButtonElement} button
 * @property {HTMLButtonElement} closeButton
 * @property {HTMLElement} panel
 * @property {() => void} onToggle after it opened or closed; calls `reposition` once it is filled
 */
export class Popup {
    /** @param {PopupParts} parts */
    constructor({ host, button, closeButton, panel, onToggle }: PopupParts);
    get isOpen(): boolean;
    open(): void;
    close(): void;
    /** Place the panel again, after the button moved or the panel grew. */
    reposition(): void;
    #private;
}
export type PopupParts = {
    /**
     * contains button and panel; with `details` the panel is in the flow
     */
    host: HTMLElement;
    button: HTMLButtonElement;
    closeButton: HTMLButtonElement;
    panel: HTMLElement;
    /**
     * after it opened or closed; calls `reposition` once it is filled
     */
    onToggle: () => void;
};
