/**
 * Flow control: counts the publications of one connection and says so in good time.
 *
 * The server keeps at most `window` publications, or `window_bytes`, unanswered; then it
 * waits. A quarter of either is answered at once, so that it never has to.
 */
/** @typedef {(frame: object) => void} Send */
export class FlowControl {
    /**
     * @param {{window: number, window_bytes: number}} welcome the server's numbers
     * @param {Send} send
     */
    constructor({ window, window_bytes }: {
        window: number;
        window_bytes: number;
    }, send: Send);
    /**
     * A publication has come.
     * @param {number} bytes
     */
    took(bytes: number): void;
    /** Publications since the welcome, whatever became of them; the server is told so now. */
    answer(): number;
    #private;
}
export type Send = (frame: object) => void;
