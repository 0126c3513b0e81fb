/**
 * Flow control: counts the publications of one connection and acknowledges them.
 *
 * The server pauses at `window` unacknowledged publications, or `window_bytes`. The client
 * acknowledges after a quarter of either, so that the server never has to pause.
 */
/** @typedef {(frame: object) => void} Send */
export class FlowControl {
    /**
     * @param {{window: number, window_bytes: number}} welcome the server's limits
     * @param {Send} send
     */
    constructor({ window, window_bytes }: {
        window: number;
        window_bytes: number;
    }, send: Send);
    /**
     * Count a publication; send `received` when a quarter of the window is used.
     * @param {number} bytes of its frame in UTF-8
     */
    onPublication(bytes: number): void;
    /** Publications since the welcome, duplicates included. The caller sends this count now. */
    acknowledge(): number;
    #private;
}
export type Send = (frame: object) => void;
