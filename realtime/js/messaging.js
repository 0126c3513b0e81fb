/** Rooms and messages of the application, over all connections. */

import { parseJson, toJson } from "./json.js";
import { RequestQueue } from "./request_queue.js";
import { isTemporary, messageTo } from "./room_queue.js";
import { Rooms } from "./rooms.js";
import { UnsentMessages } from "./unsent_messages.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {import("./room_queue.js").Request} Request */
/** @typedef {Record<string, any>} Frame */

const MAX_MESSAGES = 200;

export class Messaging {
  #environment;
  #requests;
  #unsent;
  #emit;
  #warnUnsent;
  rooms;
  #maxBytes = 65_536; // of a message's data, until a welcome names the server's limit
  #closedReason = ""; // "": open
  /** @type {string | null | undefined} of the newest welcome; null: anonymous */
  user = undefined;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {import("./request_queue.js").FrameSender} sender
   * @param {import("./events.js").Emit} emit
   * @param {boolean} warnUnsent ask before the page closes with unsent messages
   */
  constructor(environment, clock, sender, emit, warnUnsent = false) {
    this.#environment = environment;
    this.#requests = new RequestQueue(environment, clock, sender);
    this.#unsent = new UnsentMessages(environment, clock);
    this.#emit = emit;
    this.#warnUnsent = warnUnsent;
    this.rooms = new Rooms(this.#requests, sender.isUp, environment, emit);
  }

  /** The number of messages that the server has not answered. */
  get pending() {
    return this.#requests.messages.length;
  }

  /**
   * Queue a message and send it once, over as many connections as it takes.
   * @param {string} room
   * @param {unknown} data
   * @returns {Promise<import("./position.js").Position | null>} the server's answer; rejected with a SendError
   */
  async send(room, data) {
    const json = toJson(data);
    const { random } = this.#environment;
    const message = messageTo(String(room), parseJson(json), `${random()}${random()}`);
    if (!json || Number(message.bytes) > this.#maxBytes)
      throw sendError("invalid_message", `no JSON, or above ${this.#maxBytes} bytes`);
    if (this.#closedReason) throw sendError("disconnected", this.#closedReason);
    if (this.pending >= MAX_MESSAGES) throw sendError("queue_full", "the queue is full");
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Frame} */ { code, detail, epoch, offset }) =>
        code ? reject(sendError(code, detail)) : resolve(epoch ? { epoch, offset } : null);
      this.#requests.addMessage({ ...message, user: this.user, settle });
      this.#updateWarning();
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
    this.#updateWarning();
  }

  /** The page goes. @param {string} place of this client in the storage */
  save(place) {
    this.#unsent.save(`${place}:unsent`, this.#requests.messages);
  }

  /** The page begins, or comes back. @param {string} place of this client in the storage */
  load(place) {
    this.#requests.messages = this.#unsent.load(`${place}:unsent`, this.#requests.messages);
    this.#updateWarning();
  }

  /** Pause the queue until the welcome. @returns {Frame} the rooms of the hello */
  hello() {
    this.#requests.pause();
    return this.rooms.hello();
  }

  /**
   * The welcome's user sends from now on. Messages of another one are rejected: they would be
   * published in the wrong name. Call this before listeners send more.
   * @param {Frame} welcome
   */
  onUser({ user, resumed }) {
    const { messages } = this.#requests;
    // A message from before the first welcome is of the user that this page, or the same session
    // on an earlier page, turns out to have.
    const isForeign = (/** @type {Request} */ { user: sender, isRestored }) =>
      sender === undefined ? isRestored && !resumed : sender !== user;
    const detail = "another user has logged in";
    this.#requests.reject(messages.filter(isForeign), { code: "disconnected", detail });
    for (const message of messages) message.user = user;
    this.user = user;
  }

  /** @param {Frame} welcome */
  onWelcome(welcome) {
    this.#maxBytes = welcome.max_publication;
    const requests = this.rooms.onWelcome(welcome);
    const visited = this.#toVisit(welcome, requests);
    const all = (/** @type {string} */ type) => visited.map((room) => ({ frame: { type, room } }));
    const perSecond = welcome.message_rate / 2; // the other half is for requests
    this.#requests.restart([...requests, ...all("join")], all("leave"), perSecond);
  }

  /** @param {Frame} frame */
  onFrame(frame) {
    if (frame.type === "acks") this.#reportRefusals(frame);
    if (!this.#requests.onFrame(frame)) this.rooms.onFrame(frame);
    else this.#updateWarning();
  }

  /**
   * Rooms of restored messages that this page is not in: the client joins them only to send these.
   * @param {Frame} welcome
   * @param {Request[]} requests that follow the welcome
   */
  #toVisit({ rooms }, requests) {
    const joined = new Set(Object.keys(rooms));
    for (const { frame } of requests) {
      if (frame.type === "join") joined.add(frame.room);
      else joined.delete(frame.room);
    }
    const restored = this.#requests.messages.filter(({ isRestored }) => isRestored);
    const wanted = new Set(restored.map(({ frame }) => frame.room));
    return [...wanted].filter((room) => !joined.has(room));
  }

  /** The refused messages of a frame are `server_error` events, as other errors are. @param {Frame} acks */
  #reportRefusals({ id, items }) {
    const refused = items.filter((/** @type {Frame} */ { code }) => code);
    // Those behind a temporary refusal only repeat it.
    const end = refused.findIndex((/** @type {Frame} */ { code }) => isTemporary(code));
    for (const item of end < 0 ? refused : refused.slice(0, end + 1))
      this.#emit("server_error", { type: "error", id, ...item });
  }

  #warn = (/** @type {Event} */ event) => {
    if (this.pending > 0) event.preventDefault();
  };

  /** Listen only while there are messages: a listener may keep a page out of the history's cache. */
  #updateWarning() {
    const { window } = this.#environment;
    if (this.#warnUnsent && this.pending > 0) window?.addEventListener("beforeunload", this.#warn);
    else window?.removeEventListener("beforeunload", this.#warn);
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
