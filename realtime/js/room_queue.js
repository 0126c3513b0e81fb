/**
 * The requests about one room, in the order of the calls. One frame of them at a time is on its
 * way: with more, one that has to be repeated would be overtaken.
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
 * @property {boolean} [isAlone] the item travels in a frame of its own
 * @property {SentAt} [sentAt] since when the server may have it
 * @property {boolean} [isRepeated] it was sent before the frame on its way
 * @property {string | null} [user] who sends it; null: an anonymous one; none: not known yet
 * @property {boolean} [isRestored] an earlier page of this tab has sent it
 */

/** @typedef {{now: number, ms: number}} SentAt by the monotonic and by the sleep-aware clock, ms */

const BACKOFF = { ...DEFAULTS, cap: 10_000 };

// Of one frame. The server takes no more items; more bytes would keep other rooms waiting.
const MAX_ITEMS = 32;
const MAX_BYTES = 65_536;

export class RoomQueue {
  #environment;
  #onReady;
  #pause;
  #failures = 0;
  /** @type {Request[]} those on their way are the first */
  requests = [];
  /** @type {Request[]} in the frame on its way; some may have been removed meanwhile */
  #onWay = [];
  /** The id of the frame on its way; 0: none. */
  frameId = 0;

  /**
   * @param {string} room
   * @param {Environment} environment
   * @param {() => void} onReady called after a pause
   */
  constructor(room, environment, onReady) {
    this.room = room;
    this.#environment = environment;
    this.#onReady = onReady;
    this.#pause = new Timer(environment);
  }

  /** Whether a frame can be sent. */
  get isReady() {
    return this.requests.length > 0 && !this.frameId && !this.#pause.pending;
  }

  /**
   * Send the next frame: the server may have its messages from now on.
   * @param {number} id
   * @param {SentAt} now
   * @param {(frame: Frame) => boolean} send returns whether the frame was sent
   */
  sendNext(id, now, send) {
    const requests = this.#next();
    const [{ frame, item }] = requests;
    const items = item && requests.map((each) => each.item);
    this.#onWay = requests; // before sending: a listener to frames may add requests
    this.frameId = id;
    if (!send({ ...frame, id, items })) return this.undo();
    for (const request of requests.filter(isMessage)) {
      request.isRepeated = request.sentAt !== undefined;
      request.sentAt ??= now;
    }
  }

  /** @returns {[Request, ...Request[]]} */
  #next() {
    const [first, ...others] = /** @type {[Request, ...Request[]]} */ (this.requests);
    let bytes = first.bytes ?? 0;
    const end = others.findIndex((request, index) => {
      bytes += request.bytes ?? 0;
      const isTogether = first.item && request.item && !first.isAlone && !request.isAlone;
      return !isTogether || index + 1 === MAX_ITEMS || bytes > MAX_BYTES;
    });
    return [first, ...(end < 0 ? others : others.slice(0, end))];
  }

  /** The frame was not sent. */
  undo() {
    this.frameId = 0;
    this.#onWay = [];
  }

  /**
   * The server answers the frame on its way. Those to be sent again stay, behind a pause.
   * @param {Frame} frame
   * @returns {[Request, Frame][]} the final answers, to requests that were removed
   */
  onAnswer(frame) {
    const sent = this.#onWay;
    this.undo();
    if (frame.code?.startsWith("invalid_") && sent.length > 1) {
      for (const request of sent) request.isAlone = true; // the server could not read one of them
      return [];
    }
    /** @type {[Request, Frame][]} */
    const answers = sent.map((request, index) => [request, answerTo(frame, index)]);
    const open = answers.filter(([request]) => this.requests.includes(request));
    const final = open.filter(([, { code }]) => !isTemporary(code));
    this.remove((request) => final.some(([each]) => each === request));
    for (const [request, { code }] of open) // the refusal proves that the server did nothing this time
      if (code === "rate_limited" && !request.isRepeated) delete request.sentAt;
    this.#failures = final.length < open.length ? this.#failures + 1 : 0;
    const { random } = this.#environment;
    if (this.#failures > 0)
      this.#pause.set(backoffDelay(this.#failures - 1, BACKOFF, random), this.#onReady);
    return final;
  }

  /**
   * Remove requests, also from the frame on its way.
   * @param {(request: Request) => boolean} isUnwanted
   */
  remove(isUnwanted) {
    this.requests = this.requests.filter((request) => !isUnwanted(request));
    if (!this.#onWay.some((request) => this.requests.includes(request))) this.undo();
  }

  /**
   * Whether the frame is a leave of a room that the queue leaves, joins and now would leave
   * again. Removes that join.
   * @param {Frame} frame
   */
  cancelsOut({ type }) {
    const waiting = this.requests.filter((request) => !this.#onWay.includes(request));
    const [before, last] = waiting.slice(-2);
    if (type !== "leave" || before?.frame.type !== "leave" || last?.frame.type !== "join")
      return false;
    this.remove((request) => request === last);
    return true;
  }

  stop() {
    this.#pause.clear();
  }
}

/**
 * A request that sends a message.
 * @param {string} room
 * @param {string} json of the data: later changes of the application are not sent
 * @param {string} key stays the same when the message is sent again
 * @returns {Request}
 */
export function messageTo(room, json, key) {
  const item = { data: JSON.parse(json), key };
  return { frame: { type: "messages", room }, item, bytes: utf8Length(json) };
}

/**
 * @param {Frame} frame an answer to all, or `acks`
 * @param {number} index
 * @returns {Frame}
 */
function answerTo(frame, index) {
  return frame.items ? (frame.items[index] ?? { code: "unavailable" }) : frame;
}

/** @param {Request} request */
export function isMessage(request) {
  return request.item !== undefined;
}

/** Whether the client sends it again after this code. @param {string | undefined} code */
export function isTemporary(code) {
  return code === "unavailable" || code === "rate_limited";
}
