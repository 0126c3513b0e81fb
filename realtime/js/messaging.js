/** Rooms, messages and requests of the application, over all connections. */

import { codedError } from "./coded_error.js";
import { toJson, utf8Length } from "./json.js";
import { isTemporary, MAX_BYTES, messageTo, RequestQueue } from "./request_queue.js";
import { Requests } from "./requests.js";
import { Rooms } from "./rooms.js";
import { SendRate } from "./send_rate.js";
import { takeItem } from "./storage.js";
import { UnsentMessages } from "./unsent_messages.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {Record<string, any>} Frame */

const MAX_MESSAGES = 200;
const OVERHEAD = 3000; // bytes of a frame beside its data, at most: 32 keys, the room

export class Messaging {
  #environment;
  #maxBytes = 65_536; // of the data, until a welcome names the server's limit
  /** Why nothing may be sent until the next `connect()`; "": it may. */
  #closedReason = "";
  #rate;
  #queue;
  #unsent;
  #emit;
  rooms;
  requests;
  /** @type {string | null | undefined} of the newest welcome; null: anonymous */
  user = undefined;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {import("./request_queue.js").Connected} connected
   * @param {import("./events.js").Emit} emit
   * @param {boolean} warnUnsent ask before the page closes with unsent messages
   */
  constructor(environment, clock, connected, emit, warnUnsent = false) {
    this.#environment = environment;
    this.#rate = new SendRate(environment);
    /** @type {import("./request_queue.js").FrameSender} */
    const sender = { ...connected, rate: this.#rate, toJson: (data) => this.#toJson(data) };
    this.#queue = new RequestQueue(environment, clock, sender);
    this.requests = new Requests(environment, sender);
    this.#unsent = new UnsentMessages(environment, clock);
    this.#emit = emit;
    const isOpen = () => this.#queue.isOpen && sender.isUp();
    this.rooms = new Rooms(this.#queue, isOpen, environment, emit);
    const ask = (/** @type {Event} */ event) => this.pending > 0 && event.preventDefault();
    if (warnUnsent) environment.window?.addEventListener("beforeunload", ask);
  }

  /** The number of messages that the server has not answered. */
  get pending() {
    return this.#queue.messages.length;
  }

  /**
   * Queue a message and send it once, over as many connections as it takes.
   * @param {string} room
   * @param {unknown} data
   * @returns {Promise<import("./position.js").Position | null>} the server's answer; rejected with a SendError
   */
  async send(room, data) {
    const { random } = this.#environment;
    const message = messageTo(String(room), this.#toJson(data), `${random()}${random()}`);
    if (this.pending >= MAX_MESSAGES) throw codedError("queue_full", "the queue is full");
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Frame} */ { code, detail, epoch, offset }) =>
        code ? reject(codedError(code, detail)) : resolve(epoch ? { epoch, offset } : null);
      this.#queue.addMessage({ ...message, user: this.user, settle });
    });
  }

  /**
   * A new reader of a room, until its `close()`. Throws TypeError for wrong options.
   * @param {string} name
   * @param {import("./room_cursor.js").RoomOptions} options
   */
  room(name, options) {
    return this.rooms.open(name, options, (data) => this.send(name, data));
  }

  /** Take messages and requests. */
  open() {
    this.#closedReason = "";
  }

  /**
   * Reject those that wait, and new ones until `open()`, with the code "disconnected".
   * @param {string} reason
   */
  close(reason) {
    this.#closedReason = reason;
    this.#queue.abandon({ code: "disconnected", detail: reason });
    this.requests.fail("disconnected", reason);
  }

  /** The page goes. @param {string} place of this client in the storage */
  save(place) {
    this.#unsent.save(`${place}:unsent`, this.#queue.messages);
  }

  /** The page stays. @param {string} place of this client in the storage */
  forget(place) {
    takeItem(this.#environment.storage, `${place}:unsent`);
  }

  /** The page begins, or comes back. @param {string} place of this client in the storage */
  load(place) {
    const messages = this.#unsent.load(`${place}:unsent`, this.#queue.messages);
    for (const message of messages.filter(({ settle }) => !settle)) {
      const room = this.room(message.frame.room, {}); // without it the page may not send there
      message.settle = () => room.close();
    }
    this.#queue.messages = messages; // last: it settles those that are too old
  }

  /** Pause the queue until the welcome. @returns {Frame} the rooms of the hello */
  hello() {
    this.#queue.isOpen = false;
    return this.rooms.hello();
  }

  /**
   * The welcome's user sends from now on. Messages of another one are rejected: they would be
   * published in the wrong name. Call this before listeners send more.
   * @param {Frame} welcome
   */
  prepare({ user, resumed, max_publication, max_message_size, message_rate }) {
    this.#maxBytes = max_publication;
    this.#queue.maxBytes = Math.min(MAX_BYTES, max_message_size - OVERHEAD);
    this.#rate.setLimit(message_rate);
    const { messages } = this.#queue;
    // A message from before the first welcome is of the user that this page, or the same session
    // on an earlier page, turns out to have.
    const isForeign = (/** @type {Request} */ { user: sender, isRestored }) =>
      sender === undefined ? isRestored && !resumed : sender !== user;
    const detail = "another user has logged in";
    this.#queue.settle(messages.filter(isForeign), { code: "disconnected", detail });
    for (const message of messages) message.user = user;
    this.user = user;
  }

  /** @param {Frame} welcome */
  onWelcome(welcome) {
    this.#queue.restart(this.rooms.onWelcome(welcome));
    this.requests.sendNext();
    this.rooms.askPresence();
  }

  /** @param {Frame} frame @param {string} text the frame as received */
  onFrame(frame, text) {
    if (this.requests.onFrame(frame, text)) return;
    if (frame.type === "acks") this.#reportRefusals(frame);
    if (!this.#queue.onFrame(frame)) this.rooms.onFrame(frame);
  }

  /** The refused messages of a frame are `server_error` events, as other errors are. @param {Frame} acks */
  #reportRefusals({ id, items }) {
    for (const item of items) {
      if (item.code) this.#emit("server_error", { type: "error", id, ...item });
      if (isTemporary(item.code)) return; // those behind it only repeat it
    }
  }

  /** @param {unknown} data */
  #toJson(data) {
    const json = toJson(data);
    if (!json || utf8Length(json) > this.#maxBytes)
      throw codedError("invalid_message", `no JSON, or above ${this.#maxBytes} bytes`);
    if (this.#closedReason) throw codedError("disconnected", this.#closedReason);
    return json;
  }
}
