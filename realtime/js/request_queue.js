/**
 * The requests to the server: joins, leaves and messages, until they are answered. Those about a room
 * go in the order of the calls, one frame at a time: with more, one that has to be repeated would be
 * overtaken. Rooms do not wait for each other.
 */

import { backoffDelay, DEFAULTS } from "./backoff.js";
import { utf8Length } from "./json.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * A join or a leave, which is its `frame`; or a message, whose `item` travels with others.
 * @typedef {object} Request
 * @property {Frame} frame with its `room`
 * @property {(answer: Frame) => void} [settle] gets the final answer; a refusal has a `code`
 * @property {{data: any, key: string}} [item]
 * @property {number} [bytes] of the item's data
 * @property {boolean} [isAlone] it travels in a frame of its own: the server could not read one with others
 * @property {number} [frameId] of the frame on its way with it; 0: none
 * @property {number} [place] in the items of that frame
 * @property {number} [failures] temporary refusals on this connection
 * @property {number} [waitsUntil] after the newest of these; by the monotonic clock, ms
 * @property {{now: number, ms: number}} [sentAt] since when the server may have it, by the monotonic and by
 *   the sleep-aware clock, ms
 * @property {boolean} [isRepeated] it was sent before the newest frame
 * @property {string | null} [user] who sends it; null: an anonymous one; none: not known yet
 * @property {boolean} [isRestored] an earlier page of this tab has sent it
 * @property {boolean} [isSaved] it is in the storage, for the next page
 */

/** @typedef {Request & {item: {data: any, key: string}, bytes: number}} Message */

/**
 * @typedef {object} Connected
 * @property {() => boolean} isUp welcomed, and not ended
 * @property {(frame: Frame) => boolean} send returns whether the frame was sent
 */

/**
 * @typedef {object} Limits
 * @property {import("./send_rate.js").SendRate} rate
 * @property {(data: unknown) => string} toJson the data as JSON; throws an error with the code "invalid_message" or
 *   "disconnected": the server can read what passes, and does not disconnect the client for good
 */
/** @typedef {Connected & Limits} FrameSender */

const BACKOFF = { ...DEFAULTS, cap: 10_000 };
const MAX_FRAMES = 16; // on their way: the server queues 32 of a connection

// Of one frame. The server takes no more items; more bytes would keep other rooms waiting.
const MAX_ITEMS = 32;
export const MAX_BYTES = 65_536;

// The server remembers a message's key for five minutes; the message may take some of them.
const MAX_AGE_MS = 240_000;
const CHECK_MS = 5000; // after a sleep of the device the ages are checked within this time

export class RequestQueue {
  #environment;
  #clock;
  #sender;
  #timer;
  /** @type {Request[]} in the order of the calls */
  #requests = [];
  /** The number of frames. */
  #count = 0;
  #maxFrames = MAX_FRAMES;
  /** A welcome has settled the rooms. Otherwise nothing is sent; requests of listeners are queued. */
  isOpen = false;
  /** Of a frame's data; the tenth frame above the server's limit ends the session. */
  maxBytes = MAX_BYTES;

  /**
   * @param {Environment} environment
   * @param {{readonly ms: number}} clock elapsed ms, sleep included
   * @param {FrameSender} sender
   */
  constructor(environment, clock, sender) {
    this.#environment = environment;
    this.#clock = clock;
    this.#sender = sender;
    this.#timer = new Timer(environment);
  }

  /** Add a message, which is sent with the others of this tick. @param {Request} message */
  addMessage(message) {
    this.#requests.push(message);
    queueMicrotask(this.#send);
  }

  /**
   * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
   * @param {Request} request
   */
  addIfUp(request) {
    if (!this.#sender.isUp()) return;
    const { type, room } = request.frame;
    const waiting = this.#about(room).filter(({ frameId }) => !frameId);
    const [before, last] = waiting.slice(-2);
    // A leave undoes a join that waits behind a leave.
    if (type === "leave" && before?.frame.type === "leave" && last?.frame.type === "join")
      this.settle([last], { code: "left" });
    else this.#requests.push(request);
    this.#send();
  }

  /**
   * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
   * @param {Request[]} requests sent before the queued messages to the same rooms
   */
  restart(requests) {
    const { messages } = this;
    for (const message of messages) message.frameId = message.failures = message.waitsUntil = 0;
    this.#maxFrames = MAX_FRAMES;
    this.#requests = [...requests, ...messages];
    this.isOpen = true;
    this.#send();
  }

  /** The messages that are not answered, those to a room in their order. */
  get messages() {
    const messages = this.#requests.filter(({ item }) => item);
    return /** @type {Message[]} */ (messages);
  }

  /** Replace all requests before a connection. @param {Message[]} messages */
  set messages(messages) {
    this.#requests = messages;
    this.#send();
  }

  /**
   * Remove requests.
   * @param {Request[]} requests
   * @param {Frame} answer the final one
   */
  settle(requests, answer) {
    this.#requests = this.#requests.filter((request) => !requests.includes(request));
    for (const { settle } of requests) settle?.(answer);
  }

  /** Drop all requests. @param {Frame} error the answer to the messages among them */
  abandon(error) {
    const { messages } = this;
    this.messages = [];
    this.settle(messages, error);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it answers a request on its way
   */
  onFrame(frame) {
    const sent = this.#answeredBy(frame);
    const isUnreadable = frame.code?.startsWith("invalid_") && sent.length > 1;
    for (const request of sent) {
      request.frameId = 0;
      if (isUnreadable)
        request.isAlone = true; // one of them
      else this.#onAnswer(request, frame);
    }
    if (sent.length > 0) this.#send();
    return sent.length > 0;
  }

  /**
   * The requests whose frame this answers.
   * @param {Frame} frame
   * @returns {Request[]}
   */
  #answeredBy({ id, code, room }) {
    const onWay = this.#onWay;
    if (id) return onWay.filter(({ frameId }) => frameId === id);
    // Without an id: the server could not even read that.
    if (id === 0 || !code || room || isTemporary(code)) return [];
    if (onWay.every(({ frameId }) => frameId === onWay[0].frameId)) return onWay;
    // One of these frames: the next such error shows which.
    this.#maxFrames = 1;
    for (const request of onWay) request.frameId = 0;
    this.#send();
    return [];
  }

  /**
   * Remove a request that is answered for good. Another one stays, behind a pause.
   * @param {Request} request
   * @param {Frame} frame
   */
  #onAnswer(request, frame) {
    const { random, now } = this.#environment;
    const { place = 0, failures = 0 } = request;
    const answer = frame.items ? (frame.items[place] ?? { code: "unavailable" }) : frame;
    if (!isTemporary(answer.code)) return this.settle([request], answer);
    // The refusal proves that the server did nothing this time.
    if (answer.code === "rate_limited" && !request.isRepeated) delete request.sentAt;
    request.waitsUntil = now() + backoffDelay(failures, BACKOFF, random);
    request.failures = failures + 1;
  }

  /** Send what can be sent: of each room one frame, if it has none on its way. */
  #send = () => {
    this.#expire();
    while (this.isOpen && this.#sender.isUp()) {
      const request = this.#next();
      if (!request || !this.#sender.rate.take(this.#send) || !this.#sendFrame(request)) break;
    }
    this.#setTimer();
  };

  get #onWay() {
    return this.#requests.filter(({ frameId }) => frameId);
  }

  /** @param {string} room */
  #about(room) {
    return this.#requests.filter(({ frame }) => frame.room === room);
  }

  /** The first request that waits for no answer, and for no time. */
  #next() {
    const now = this.#environment.now();
    /** @type {Set<string>} */
    const rooms = new Set(this.#onWay.map(({ frame }) => frame.room));
    if (rooms.size >= this.#maxFrames) return undefined; // each has one frame on its way
    return this.#requests.find(({ frame: { room }, waitsUntil = 0 }) => {
      const isFirst = !rooms.has(room);
      rooms.add(room);
      return isFirst && waitsUntil <= now;
    });
  }

  /** @param {Request} first @returns {boolean} whether it was sent, with the messages that travel with it */
  #sendFrame(first) {
    const { frame, item } = first;
    let bytes = 0;
    const requests = this.#about(frame.room).filter((request, index) => {
      bytes += (!request.isAlone && request.bytes) || MAX_BYTES; // a join or a leave, too
      return index === 0 || (index < MAX_ITEMS && bytes <= this.maxBytes);
    });
    const sentAt = { now: this.#environment.now(), ms: this.#clock.ms };
    const id = ++this.#count * 2 - 1; // odd: the ids of requests are even
    // Before sending: a listener to frames may add requests.
    for (const [place, request] of requests.entries()) {
      request.frameId = id;
      request.place = place;
    }
    const items = item && requests.map((each) => each.item);
    const isSent = this.#sender.send({ ...frame, id, items });
    for (const request of requests) {
      if (!isSent) request.frameId = 0;
      else if (item) {
        request.isRepeated = request.sentAt !== undefined;
        request.sentAt ??= sentAt;
      }
    }
    return isSent;
  }

  /** Send again after the first pause, and check the ages while the server may have a message. */
  #setTimer() {
    const now = this.#environment.now();
    const waits = this.#requests.flatMap(({ waitsUntil = 0, sentAt }) => {
      if (waitsUntil > now) return Math.ceil(waitsUntil - now);
      return sentAt ? CHECK_MS : [];
    });
    if (waits.length > 0) this.#timer.set(Math.min(...waits), this.#send);
    else this.#timer.clear();
  }

  /** Reject old messages: the server may have forgotten their keys, and would publish them twice. */
  #expire() {
    const isUp = this.#sender.isUp();
    const [now, { ms }] = [this.#environment.now(), this.#clock];
    const isOld = (/** @type {Request} */ { sentAt, frameId }) => {
      if (!sentAt) return false;
      // On its way by the monotonic clock, so that setting the wall clock expires nothing.
      const age = isUp && frameId ? now - sentAt.now : ms - sentAt.ms;
      return age >= MAX_AGE_MS;
    };
    const detail = "no answer in time";
    this.settle(this.#requests.filter(isOld), { code: "unknown", detail });
  }
}

/**
 * A request that sends a message.
 * @param {string} room
 * @param {string} json of the data: later changes of the application are not sent
 * @param {string} key stays the same when the message is sent again
 * @returns {Message}
 */
export function messageTo(room, json, key) {
  const item = { data: JSON.parse(json), key };
  return { frame: { type: "messages", room }, item, bytes: utf8Length(json) };
}

/** Whether the client sends it again after this code. @param {string | undefined} code */
export function isTemporary(code) {
  return code === "unavailable" || code === "rate_limited";
}
