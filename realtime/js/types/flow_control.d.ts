/**
 * Flow control: counts the publications of one connection, or the parts of one reply, and acknowledges them.
 *
 * The server pauses at `window` unacknowledged ones, or `window_bytes`. The client acknowledges after a
 * quarter of either, so that the server never has to pause.
 */
export class FlowControl {
    /**
     * @param {{window: number, window_bytes: number}} welcome the server's limits
     * @param {(count: number) => void} send acknowledges so many since the beginning
     */
    constructor({ window, window_bytes }: {
        window: number;
        window_bytes: number;
    }, send: (count: number) => void);
    /**
     * Count one; acknowledge when a quarter of the window is used.
     * @param {number} bytes of its frame in UTF-8
     */
    onReceived(bytes: number): void;
    /** The count since the beginning, duplicates included. The caller sends it now. */
    acknowledge(): number;
    #private;
}
