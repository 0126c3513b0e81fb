/**
 * @typedef {object} PopupParts
 * @property {HTMLElement} host the element that button and panel are in
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} panel
 * @property {() => void} toggled after it was opened or closed; calls `settle` once it is filled
 */
export class Popup {
    /** @param {PopupParts} owner */
    constructor(owner: PopupParts);
    get isOpen(): boolean;
    open(): void;
    close(): void;
    /** Put the panel where it belongs: the button may have moved, the panel may have grown. */
    settle(): void;
    #private;
}
export type PopupParts = {
    /**
     * the element that button and panel are in
     */
    host: HTMLElement;
    button: HTMLButtonElement;
    panel: HTMLElement;
    /**
     * after it was opened or closed; calls `settle` once it is filled
     */
    toggled: () => void;
};
