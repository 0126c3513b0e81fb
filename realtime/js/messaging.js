/** Rooms and messages of the application, over all connections. */

import { parseJson, toJson, utf8Length } from "./json.js";
import { RequestQueue } from "./request_queue.js";
import { Rooms } from "./rooms.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

const MAX_MESSAGES = 200;

export class Messaging {
  #environment;
  #requests;
  rooms;
  #maxBytes = 65_536; // of a message's data, until a welcome names the server's limit
  #closedReason = ""; // "": open

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {import("./request_queue.js").FrameSender} sender
   * @param {import("./events.js").Emit} emit
   */
  constructor(environment, clock, sender, emit) {
    this.#environment = environment;
    this.#requests = new RequestQueue(environment, clock, sender);
    this.rooms = new Rooms(this.#requests, sender.isUp, environment, emit);
  }

  /**
   * Queue a message and send it once, over as many connections as it takes.
   * @param {string} room
   * @param {unknown} data
   * @returns {Promise<void>} resolved by the server's ack; rejected with a SendError
   */
  async send(room, data) {
    const json = toJson(data);
    if (!json || utf8Length(json) > this.#maxBytes)
      throw sendError("invalid_message", `no JSON, or above ${this.#maxBytes} bytes`);
    if (this.#closedReason) throw sendError("disconnected", this.#closedReason);
    if (this.#requests.messages.length >= MAX_MESSAGES)
      throw sendError("queue_full", "the queue is full");
    const { random } = this.#environment;
    const key = `${random()}${random()}`; // stays the same when the message is sent again
    const frame = { type: "message", room, data: parseJson(json), key };
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Frame} */ { code, detail }) =>
        code ? reject(sendError(code, detail)) : resolve();
      this.#requests.add({ frame, settle });
    });
  }

  /** Accept messages. */
  open() {
    this.#closedReason = "";
  }

  /**
   * Reject queued messages, and new ones until `open()`, with the code "disconnected".
   * @param {string} reason
   */
  close(reason) {
    this.#closedReason = reason;
    this.#requests.abandon({ code: "disconnected", detail: reason });
  }

  /** Pause the queue until the welcome. @returns {Frame} the rooms of the hello */
  hello() {
    this.#requests.pause();
    return this.rooms.hello();
  }

  /** @param {Frame} welcome */
  onWelcome(welcome) {
    this.#maxBytes = welcome.max_publication;
    this.#requests.restart(this.rooms.onWelcome(welcome));
  }

  /** @param {Frame} frame */
  onFrame(frame) {
    if (!this.#requests.onFrame(frame)) this.rooms.onFrame(frame);
  }
}

/**
 * @param {string} code
 * @param {string} detail
 * @returns {import("./events.js").SendError}
 */
function sendError(code, detail) {
  return Object.assign(new Error(detail), { code });
}
