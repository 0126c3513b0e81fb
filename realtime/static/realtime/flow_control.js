/**
 * Flow control: counts the publications of one connection and says so in good time.
 *
 * The server keeps at most `window` publications, or `window_bytes`, unanswered; then it
 * waits. A quarter of either is answered at once, so that it never has to.
 */

/** @typedef {(frame: object) => void} Send */

export class FlowControl {
  #window;
  #windowBytes;
  #send;
  #received = 0;
  #answered = 0;
  #bytes = 0; // received and not answered yet

  /**
   * @param {{window: number, window_bytes: number}} welcome the server's numbers
   * @param {Send} send
   */
  constructor({ window, window_bytes }, send) {
    this.#window = window;
    this.#windowBytes = window_bytes;
    this.#send = send;
  }

  /**
   * A publication has come.
   * @param {number} bytes
   */
  took(bytes) {
    this.#received += 1;
    this.#bytes += bytes;
    const count = this.#received - this.#answered;
    if (count < this.#window / 4 && this.#bytes < this.#windowBytes / 4) return;
    this.#send({ type: "received", count: this.answer() });
  }

  /** Publications since the welcome, whatever became of them; the server is told so now. */
  answer() {
    this.#bytes = 0;
    this.#answered = this.#received;
    return this.#received;
  }
}
