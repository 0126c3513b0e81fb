/**
 * Flow control: counts the publications of one connection, or the parts of one reply, and acknowledges them.
 *
 * The server pauses at `window` unacknowledged ones, or `window_bytes`. The client acknowledges after a
 * quarter of either, so that the server never has to pause.
 */

export class FlowControl {
  #window;
  #windowBytes;
  #send;
  #received = 0;
  #acknowledged = 0;
  #bytes = 0; // received and not acknowledged yet

  /**
   * @param {{window: number, window_bytes: number}} welcome the server's limits
   * @param {(count: number) => void} send acknowledges so many since the beginning
   */
  constructor({ window, window_bytes }, send) {
    this.#window = window;
    this.#windowBytes = window_bytes;
    this.#send = send;
  }

  /**
   * Count one; acknowledge when a quarter of the window is used.
   * @param {number} bytes of its frame in UTF-8
   */
  onReceived(bytes) {
    this.#received += 1;
    this.#bytes += bytes;
    const count = this.#received - this.#acknowledged;
    if (count < this.#window / 4 && this.#bytes < this.#windowBytes / 4) return;
    this.#send(this.acknowledge());
  }

  /** The count since the beginning, duplicates included. The caller sends it now. */
  acknowledge() {
    this.#bytes = 0;
    this.#acknowledged = this.#received;
    return this.#received;
  }
}
