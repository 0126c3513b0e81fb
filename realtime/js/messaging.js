/** Rooms, messages and requests of the application, over all connections. */

import { codedError } from "./coded_error.js";
import { isTemporary, messageTo, RequestQueue } from "./request_queue.js";
import { Requests } from "./requests.js";

import { Rooms } from "./rooms.js";
import { SendGate } from "./send_gate.js";
import { SendRate } from "./send_rate.js";
import { takeItem } from "./storage.js";
import { UnsentMessages } from "./unsent_messages.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {Record<string, any>} Frame */

const MAX_MESSAGES = 200;

export class Messaging {
  #environment;
  #gate = new SendGate();
  #rate;
  #queue;
  #unsent;
  #emit;
  #warnUnsent;
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
    const sender = { ...connected, gate: this.#gate, rate: this.#rate };
    this.#queue = new RequestQueue(environment, clock, sender);
    this.requests = new Requests(environment, sender);
    this.#unsent = new UnsentMessages(environment, clock);
    this.#emit = emit;
    this.#warnUnsent = warnUnsent;
    this.rooms = new Rooms(this.#queue, sender.isUp, environment, emit);
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
    const message = messageTo(String(room), this.#gate.pass(data), `${random()}${random()}`);
    if (this.pending >= MAX_MESSAGES) throw codedError("queue_full", "the queue is full");
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Frame} */ { code, detail, epoch, offset }) =>
        code ? reject(codedError(code, detail)) : resolve(epoch ? { epoch, offset } : null);
      this.#queue.addMessage({ ...message, user: this.user, settle });
      this.#updateWarning();
    });
  }

  /** Take messages and requests. */
  open() {
    this.#gate.closedReason = "";
  }

  /**
   * Reject those that wait, and new ones until `open()`, with the code "disconnected".
   * @param {string} reason
   */
  close(reason) {
    this.#gate.closedReason = reason;
    this.#queue.abandon({ code: "disconnected", detail: reason });
    this.requests.abandon(reason);
    this.#updateWarning();
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
    this.#queue.messages = this.#unsent.load(`${place}:unsent`, this.#queue.messages);
    this.#updateWarning();
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
  prepare({ user, resumed, max_publication, message_rate }) {
    this.#gate.maxBytes = max_publication;
    this.#rate.setLimit(message_rate);
    const { messages } = this.#queue;
    // A message from before the first welcome is of the user that this page, or the same session
    // on an earlier page, turns out to have.
    const isForeign = (/** @type {Request} */ { user: sender, isRestored }) =>
      sender === undefined ? isRestored && !resumed : sender !== user;
    const detail = "another user has logged in";
    this.#queue.reject(messages.filter(isForeign), { code: "disconnected", detail });
    for (const message of messages) message.user = user;
    this.user = user;
  }

  /** @param {Frame} welcome */
  onWelcome(welcome) {
    const requests = this.rooms.onWelcome(welcome);
    const visited = this.#toVisit(welcome, requests);
    const all = (/** @type {string} */ type) => visited.map((room) => ({ frame: { type, room } }));
    this.#queue.restart([...requests, ...all("join")], all("leave"));
    this.requests.sendNext();
    this.rooms.askPresence();
  }

  /** @param {Frame} frame @param {string} text the frame as received */
  onFrame(frame, text) {
    if (this.requests.onFrame(frame, text)) return;
    if (frame.type === "acks") this.#reportRefusals(frame);
    if (!this.#queue.onFrame(frame)) this.rooms.onFrame(frame);
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
    const restored = this.#queue.messages.filter(({ isRestored }) => isRestored);
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
