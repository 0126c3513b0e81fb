/**
 * Flow control: counts the publications of one connection and acknowledges them.
 *
 * The server pauses at `window` unacknowledged publications, or `window_bytes`. The client
 * acknowledges after a quarter of either, so that the server never has to pause.
 */

/** @typedef {(frame: object) => void} Send */

export class FlowControl {
  #window;
  #windowBytes;
  #send;
  #received = 0;
  #acknowledged = 0;
  #bytes = 0; // received and not acknowledged yet

  /**
   * @param {{window: number, window_bytes: number}} welcome the server's limits
   * @param {Send} send
   */
  constructor({ window, window_bytes }, send) {
    this.#window = window;
    this.#windowBytes = window_bytes;
    this.#send = send;
  }

  /**
   * Count a publication; send `received` when a quarter of the window is used.
   * @param {number} bytes of its frame in UTF-8
   */
  onPublication(bytes) {
    this.#received += 1;
    this.#bytes += bytes;
    const count = this.#received - this.#acknowledged;
    if (count < this.#window / 4 && this.#bytes < this.#windowBytes / 4) return;
    this.#send({ type: "received", count: this.acknowledge() });
  }

  /** Publications since the welcome, duplicates included. The caller sends this count now. */
  acknowledge() {
    this.#bytes = 0;
    this.#acknowledged = this.#received;
    return this.#received;
  }
}
