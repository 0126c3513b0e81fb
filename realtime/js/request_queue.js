/**
 * The queue of requests to the server: joins, leaves and messages, until they are answered.
 *
 * One request at a time is sent, the first of the queue. With more of them in flight, one that
 * has to be repeated would overtake others; and the server may reject a message as so invalid
 * that it cannot name its id: then it was the one in flight.
 */

import { backoffDelay, DEFAULTS } from "./backoff.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} Request
 * @property {Frame} frame
 * @property {(answer: Frame) => void} [settle] gets the final answer; a refusal has a `code`
 * @property {SentAt} [sentAt] since when the server may have it
 */

/** @typedef {{now: number, ms: number}} SentAt by the monotonic and by the sleep-aware clock, ms */

/**
 * @typedef {object} FrameSender
 * @property {() => boolean} isUp welcomed, and not ended
 * @property {(frame: Frame) => boolean} send returns whether the frame was sent
 */

const BACKOFF = { ...DEFAULTS, cap: 10_000 };

// The server remembers a message's key for five minutes; the message may take some of them.
const MAX_AGE_MS = 240_000;
const CHECK_MS = 5000; // after a sleep of the device the ages are checked within this time

export class RequestQueue {
  #environment;
  #clock;
  #sender;
  #pauseTimer;
  #ageTimer;
  #failures = 0;
  /** @type {Request[]} */
  #queue = [];
  /** The id of the newest request. */
  #id = 0;
  /** The first request is in flight, or the queue is paused. */
  #blocked = false;
  /** The request in flight was never sent before. */
  #isFirstSend = false;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} clock
   * @param {FrameSender} sender
   */
  constructor(environment, clock, sender) {
    this.#environment = environment;
    this.#clock = clock;
    this.#sender = sender;
    this.#pauseTimer = new Timer(environment);
    this.#ageTimer = new Timer(environment);
  }

  /** @param {Request} request */
  add(request) {
    this.#queue.push(request);
    this.#sendNext();
  }

  /**
   * Add a join or a leave while connected. Otherwise drop it: the next hello names all rooms.
   * @param {Request} request
   */
  addIfUp(request) {
    if (this.#sender.isUp() && !this.#cancelsOut(request.frame)) this.add(request);
  }

  /**
   * Whether the frame is a leave of a room that the queue leaves, joins and now would leave
   * again. Removes that join.
   * @param {Frame} frame
   */
  #cancelsOut({ type, room }) {
    const waiting = this.#queue
      .slice(this.#blocked ? 1 : 0)
      .filter(({ frame }) => frame.room === room);
    const [before, last] = waiting.slice(-2);
    if (type !== "leave" || before?.frame.type !== "leave" || last?.frame.type !== "join")
      return false;
    this.#queue.splice(this.#queue.indexOf(last), 1);
    return true;
  }

  /** Send nothing until `restart`; requests of listeners to the welcome are queued. */
  pause() {
    this.#blocked = true;
  }

  /**
   * Begin on a new connection, whose hello and welcome replace the queued joins and leaves.
   * @param {Request[]} requests sent before the queued messages
   */
  restart(requests) {
    this.#queue = [...requests, ...this.messages];
    this.#blocked = false;
    this.#pauseTimer.clear();
    this.#sendNext();
  }

  /** @param {Frame} error the answer to all queued messages */
  abandon(error) {
    const { messages } = this;
    this.#queue = [];
    this.#pauseTimer.clear();
    this.#ageTimer.clear();
    for (const { settle } of messages) settle?.(error);
  }

  get messages() {
    return this.#queue.filter(isMessage);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it answers the request in flight
   */
  onFrame(frame) {
    const { code, room, id = code && !room ? this.#id : null } = frame;
    const [request] = this.#queue;
    if (!request || !this.#blocked || id !== this.#id) return false;
    this.#blocked = false;
    if (code === "unavailable" || code === "rate_limited") {
      // `rate_limited` proves that the server did nothing this time.
      if (code === "rate_limited" && this.#isFirstSend) delete request.sentAt;
      this.#postpone(request.frame.room);
      return true;
    }
    this.#failures = 0;
    this.#queue.shift();
    this.#watchAges();
    request.settle?.(frame);
    this.#sendNext();
    return true;
  }

  /**
   * Pause with backoff, and move the room's requests behind those of other rooms.
   * @param {string} room
   */
  #postpone(room) {
    const rank = (/** @type {Request} */ { frame }) => (frame.room === room ? 1 : 0);
    this.#queue.sort((one, other) => rank(one) - rank(other));
    const pause = backoffDelay(this.#failures++, BACKOFF, this.#environment.random);
    this.#pauseTimer.set(pause, () => this.#sendNext());
  }

  #sendNext() {
    if (this.#blocked || this.#pauseTimer.pending) return;
    this.#expire(({ ms }) => this.#clock.ms - ms); // a message sent before would be sent again
    const [request] = this.#queue;
    if (!request) return;
    this.#blocked = true; // before sending: a listener to frames may add requests
    this.#id += 1;
    this.#blocked = this.#sender.send({ ...request.frame, id: this.#id });
    if (!this.#blocked || !isMessage(request)) return;
    this.#isFirstSend = !request.sentAt;
    request.sentAt ??= { now: this.#environment.now(), ms: this.#clock.ms };
    this.#watchAges();
  }

  /** Run the age timer while the server may have a message that it has not answered. */
  #watchAges() {
    if (!this.#queue.some(({ sentAt }) => sentAt)) this.#ageTimer.clear();
    else if (!this.#ageTimer.pending) this.#ageTimer.set(CHECK_MS, () => this.#checkAges());
  }

  #checkAges() {
    const isUp = this.#sender.isUp();
    const [first] = this.#queue;
    // While connected by the monotonic clock, so that setting the wall clock expires nothing:
    // this check does not send a message again.
    this.#expire(({ now, ms }) => (isUp ? this.#environment.now() - now : this.#clock.ms - ms));
    if (isUp && first !== this.#queue[0]) this.#blocked = false;
    this.#watchAges();
    this.#sendNext();
  }

  /**
   * Reject old messages: the server may have forgotten their keys, and would publish them twice.
   * @param {(sentAt: SentAt) => number} age ms
   */
  #expire(age) {
    const isOld = (/** @type {Request} */ { sentAt }) => sentAt && age(sentAt) >= MAX_AGE_MS;
    const old = this.#queue.filter(isOld);
    this.#queue = this.#queue.filter((request) => !old.includes(request));
    const detail = "no answer within 4 minutes: the server may have it or not";
    for (const { settle } of old) settle?.({ code: "unknown", detail });
  }
}

/** @param {Request | undefined} request */
function isMessage(request) {
  return request?.frame.type === "message";
}
