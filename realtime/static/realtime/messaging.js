/** Rooms and messages: what the application wants of the server, whichever connection there is. */

import { bytesOf, parsed, written } from "./json.js";
import { RequestQueue } from "./request_queue.js";
import { Rooms } from "./rooms.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

const MOST_MESSAGES = 200;

export class Messaging {
  #environment;
  #requests;
  rooms;
  #maxBytes = 65_536; // of a message's data, until a server says otherwise
  #closed = ""; // why nobody will take a message any more

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
   * @param {import("./request_queue.js").Line} line
   * @param {import("./events.js").Emit} emit
   */
  constructor(environment, elapsed, line, emit) {
    this.#environment = environment;
    this.#requests = new RequestQueue(environment, elapsed, line);
    this.rooms = new Rooms(this.#requests, emit);
  }

  /**
   * @param {string} room
   * @param {unknown} data
   * @returns {Promise<void>} resolved when the server has it
   */
  async send(room, data) {
    const json = written(data);
    if (!json || bytesOf(json) > this.#maxBytes)
      throw failure("invalid_message", `no JSON, or above ${this.#maxBytes} bytes`);
    if (this.#closed) throw failure("disconnected", this.#closed);
    if (this.#requests.messages.length >= MOST_MESSAGES)
      throw failure("queue_full", "the queue is full");
    const { random } = this.#environment;
    const key = `${random()}${random()}`; // the same whenever it is sent again
    const frame = { type: "message", room, data: parsed(json), key };
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Frame} */ { code, detail }) =>
        code ? reject(failure(code, detail)) : resolve();
      this.#requests.add({ frame, settle });
    });
  }

  open() {
    this.#closed = "";
  }

  /** @param {string} detail why nobody will take any message any more */
  close(detail) {
    this.#closed = detail;
    this.#requests.abandon({ code: "disconnected", detail });
  }

  /** @returns {Frame} the rooms of a new connection's hello */
  hello() {
    this.#requests.hold();
    return this.rooms.hello();
  }

  /** @param {Frame} welcome */
  welcomed(welcome) {
    this.#maxBytes = welcome.max_publication;
    this.#requests.restart(this.rooms.welcomed(welcome));
  }

  /** @param {Frame} frame */
  told(frame) {
    if (!this.#requests.answered(frame)) this.rooms.told(frame);
  }
}

/**
 * @param {string} code
 * @param {string} detail
 */
function failure(code, detail) {
  return Object.assign(new Error(detail), { code });
}
