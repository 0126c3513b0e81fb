/** The answer to one request: awaited as a whole, or iterated part by part. */

import { FlowControl } from "./flow_control.js";

/** @typedef {{data: any, bytes: number}} Part */

const WINDOW = { window: 64, window_bytes: 65_536 }; // of unacknowledged parts, or less than the server's

/**
 * Awaited, it gives the answer; of a stream, a list of all parts. Iterated, it gives the parts; of
 * a single answer, that one. Do one of both, once.
 * @template T
 */
export class Reply {
  #flow;
  #onLeft;
  /** @type {Part[]} received and not consumed */
  #parts = [];
  #isStream = false;
  /** @type {(() => void) | undefined} throws the error with which it ends, if any; undefined: more may come */
  #end;
  /** Continues an iteration that waits. */
  #wake = () => {};
  /** @type {Promise<T> | undefined} */
  #whole;

  /**
   * @param {(count: number) => void} acknowledge that the page has consumed so many parts by now
   * @param {() => void} onLeft the page iterates no further
   */
  constructor(acknowledge, onLeft) {
    this.#flow = new FlowControl(WINDOW, acknowledge);
    this.#onLeft = onLeft;
  }

  /**
   * Take a reply of the server.
   * @param {Record<string, any>} frame
   * @param {number} bytes of the frame
   */
  receive({ data, done }, bytes) {
    this.#isStream ||= !done || data === undefined;
    if (data !== undefined) this.#parts.push({ data, bytes });
    if (done) this.#end = () => {};
    this.#wake();
  }

  /**
   * End it with an error, after the parts that have come.
   * @param {unknown} error
   * @param {boolean} [isNow] drop these parts
   */
  fail(error, isNow) {
    if (isNow) this.#parts = [];
    this.#end = () => {
      throw error;
    };
    this.#wake();
  }

  /** @returns {AsyncGenerator<T, void, void>} */
  async *[Symbol.asyncIterator]() {
    try {
      for (;;) {
        const part = this.#parts.shift();
        if (part) {
          this.#flow.onReceived(part.bytes);
          yield part.data;
        } else if (this.#end) return this.#end();
        else await this.#next();
      }
    } finally {
      this.#onLeft();
    }
  }

  /**
   * @template [A=T]
   * @template [B=never]
   * @param {((answer: T) => A | PromiseLike<A>) | null} [onAnswer]
   * @param {((error: any) => B | PromiseLike<B>) | null} [onFailure]
   * @returns {Promise<A | B>}
   */
  // biome-ignore lint/suspicious/noThenProperty: it is awaited
  then(onAnswer, onFailure) {
    this.#whole ??= this.#collect();
    return this.#whole.then(onAnswer, onFailure);
  }

  /**
   * @template [B=never]
   * @param {((error: any) => B | PromiseLike<B>) | null} [onFailure]
   * @returns {Promise<T | B>}
   */
  catch(onFailure) {
    return this.then(null, onFailure);
  }

  async #collect() {
    /** @type {any[]} */
    const parts = [];
    for await (const part of this) parts.push(part);
    return this.#isStream ? parts : parts[0];
  }

  /** @returns {Promise<void>} */
  #next() {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
