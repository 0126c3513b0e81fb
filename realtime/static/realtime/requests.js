/**
 * What the server is asked for, until it has answered: joins, leaves and messages.
 *
 * One at a time is on its way, the first in the line. With more of them, one that has to be
 * repeated would come after those behind it; and of our frames only a message can be so
 * wrong that the server cannot say which it was: then it was this one.
 */

import { Alarm } from "./alarm.js";
import { backoffDelay, DEFAULTS } from "./backoff.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} Request
 * @property {Frame} frame
 * @property {(answer: Frame) => void} [settle] done, or refused for good: then with a `code`
 */

const PAUSES = { ...DEFAULTS, cap: 10_000 };

export class Requests {
  #random;
  #send;
  #alarm;
  #failures = 0;
  /** @type {Request[]} */
  #line = [];
  /** The id of the newest request. */
  #id = 0;
  /** Whether it is on its way, or nothing may go. */
  #sent = false;

  /**
   * @param {Environment} environment
   * @param {(frame: Frame) => boolean} send false: there is no connection that was welcomed
   */
  constructor(environment, send) {
    this.#random = environment.random;
    this.#send = send;
    this.#alarm = new Alarm(environment);
  }

  /** @param {Request[]} requests */
  add(...requests) {
    this.#line.push(...requests);
    this.#next();
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
    this.#line = [...requests, ...this.messages];
    this.#sent = false;
    this.#alarm.clear();
    this.#next();
  }

  /** @param {Frame} error what becomes of all messages */
  abandon(error) {
    const { messages } = this;
    this.#line = [];
    this.#alarm.clear();
    for (const { settle } of messages) settle?.(error);
  }

  get messages() {
    return this.#line.filter(({ frame }) => frame.type === "message");
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it was the answer to a request
   */
  answered(frame) {
    const { code, room, id = code && !room ? this.#id : null } = frame;
    const [request] = this.#line;
    if (!request || !this.#sent || id !== this.#id) return false;
    this.#sent = false;
    if (code === "unavailable" || code === "rate_limited") {
      this.#postpone(request.frame.room);
      return true;
    }
    this.#failures = 0;
    this.#line.shift();
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
    this.#line.sort((one, other) => place(one) - place(other));
    this.#alarm.set(backoffDelay(this.#failures++, PAUSES, this.#random), () => this.#next());
  }

  #next() {
    const [request] = this.#line;
    if (!request || this.#sent || this.#alarm.pending) return;
    this.#sent = true; // before it is: who listens to frames may add more
    this.#id += 1;
    this.#sent = this.#send({ ...request.frame, id: this.#id });
  }
}
