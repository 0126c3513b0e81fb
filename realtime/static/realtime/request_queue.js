/**
 * What the server is asked for, until it has answered: joins, leaves and messages.
 *
 * One at a time is on its way, the first in the line. With more of them, one that has to be
 * repeated would come after those behind it; and of our frames only a message can be so
 * wrong that the server cannot say which it was: then it was this one.
 */

import { backoffDelay, DEFAULTS } from "./backoff.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} Request
 * @property {Frame} frame
 * @property {(answer: Frame) => void} [settle] done, or refused for good: then with a `code`
 * @property {Sent} [sent] since when the server may have it
 */

/** @typedef {{now: number, ms: number}} Sent by the monotonic clock, and in time passed */

/**
 * @typedef {object} Line to the server
 * @property {() => boolean} isUp welcomed, and not over
 * @property {(frame: Frame) => boolean} send false: it is not up
 */

const PAUSES = { ...DEFAULTS, cap: 10_000 };

// The server remembers a key for five minutes; a message may be on its way for some of it.
const REMEMBERED_MS = 240_000;
const LOOK_MS = 5000; // a device that has slept is noticed so soon after

export class RequestQueue {
  #environment;
  #elapsed;
  #line;
  #alarm;
  #watch;
  #failures = 0;
  /** @type {Request[]} */
  #queue = [];
  /** The id of the newest request. */
  #id = 0;
  /** Whether it is on its way, or nothing may go. */
  #sent = false;
  /** Whether the server cannot have it from a time before. */
  #isFirst = false;

  /**
   * @param {Environment} environment
   * @param {import("./sleep_aware_clock.js").SleepAwareClock} elapsed
   * @param {Line} line
   */
  constructor(environment, elapsed, line) {
    this.#environment = environment;
    this.#elapsed = elapsed;
    this.#line = line;
    this.#alarm = new Timer(environment);
    this.#watch = new Timer(environment);
  }

  /** @param {Request} request */
  add(request) {
    this.#queue.push(request);
    this.#next();
  }

  /**
   * A join or a leave. Nothing without a connection: the next hello names all rooms.
   * @param {Request} wish
   */
  wish(wish) {
    if (this.#line.isUp() && !this.#isLeft(wish.frame)) this.add(wish);
  }

  /**
   * Whether a leave of this room waits already: then what was wished since has no effect.
   * @param {Frame} frame
   */
  #isLeft({ type, room }) {
    const waiting = this.#queue
      .slice(this.#sent ? 1 : 0)
      .filter(({ frame }) => frame.room === room);
    const [before, last] = waiting.slice(-2);
    if (type !== "leave" || before?.frame.type !== "leave" || last?.frame.type !== "join")
      return false;
    this.#queue.splice(this.#queue.indexOf(last), 1);
    return true;
  }

  /** Keep all there is, and what listeners to the welcome ask for, until the restart. */
  hold() {
    this.#sent = true;
  }

  /**
   * A new connection. Its hello has said all there is to say about rooms.
   * @param {Request[]} requests before the messages that are sent again
   */
  restart(requests) {
    this.#queue = [...requests, ...this.messages];
    this.#sent = false;
    this.#alarm.clear();
    this.#next();
  }

  /** @param {Frame} error what becomes of all messages */
  abandon(error) {
    const { messages } = this;
    this.#queue = [];
    this.#alarm.clear();
    this.#watch.clear();
    for (const { settle } of messages) settle?.(error);
  }

  get messages() {
    return this.#queue.filter(isMessage);
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it was the answer to a request
   */
  answered(frame) {
    const { code, room, id = code && !room ? this.#id : null } = frame;
    const [request] = this.#queue;
    if (!request || !this.#sent || id !== this.#id) return false;
    this.#sent = false;
    if (code === "unavailable" || code === "rate_limited") {
      // Nothing was done this time, for certain.
      if (code === "rate_limited" && this.#isFirst) delete request.sent;
      this.#postpone(request.frame.room);
      return true;
    }
    this.#failures = 0;
    this.#queue.shift();
    this.#guard();
    request.settle?.(frame);
    this.#next();
    return true;
  }

  /**
   * Later, and next time later still; behind other rooms, which may fare better.
   * @param {string} room
   */
  #postpone(room) {
    const place = (/** @type {Request} */ { frame }) => (frame.room === room ? 1 : 0);
    this.#queue.sort((one, other) => place(one) - place(other));
    const pause = backoffDelay(this.#failures++, PAUSES, this.#environment.random);
    this.#alarm.set(pause, () => this.#next());
  }

  #next() {
    if (this.#sent || this.#alarm.pending) return;
    this.#giveUp(({ ms }) => this.#elapsed.ms - ms); // none is on its way: what was, goes again
    const [request] = this.#queue;
    if (!request) return;
    this.#sent = true; // before it is: who listens to frames may add more
    this.#id += 1;
    this.#sent = this.#line.send({ ...request.frame, id: this.#id });
    if (!this.#sent || !isMessage(request)) return;
    this.#isFirst = !request.sent;
    request.sent ??= { now: this.#environment.now(), ms: this.#elapsed.ms };
    this.#guard();
  }

  /** Look from time to time, while the server may have a message without having said so. */
  #guard() {
    if (!this.#queue.some(({ sent }) => sent)) this.#watch.clear();
    else if (!this.#watch.pending) this.#watch.set(LOOK_MS, () => this.#look());
  }

  #look() {
    const isUp = this.#line.isUp();
    const [first] = this.#queue;
    // A wall clock that was set does no harm here: what is on its way is not sent again by this.
    this.#giveUp(({ now, ms }) => (isUp ? this.#environment.now() - now : this.#elapsed.ms - ms));
    if (isUp && first !== this.#queue[0]) this.#sent = false;
    this.#guard();
    this.#next();
  }

  /**
   * The server may have forgotten the key: what becomes of the message is not known any more.
   * @param {(sent: Sent) => number} age ms
   */
  #giveUp(age) {
    const isOld = (/** @type {Request} */ { sent }) => sent && age(sent) >= REMEMBERED_MS;
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
