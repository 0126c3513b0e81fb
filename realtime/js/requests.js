/** Requests of the page: eight run at a time, the others wait. None is repeated. */

import { codedError } from "./coded_error.js";
import { LOST, reasonFor } from "./codes.js";
import { utf8Length } from "./json.js";
import { Reply } from "./reply.js";
import { Timer } from "./timer.js";

/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} RequestOptions
 * @property {AbortSignal} [signal] cancels the request; the reply fails with its reason
 * @property {number} [timeout] ms until the whole answer is there, the wait for a connection included
 */

/**
 * @typedef {object} OpenRequest
 * @property {Frame} frame
 * @property {Reply<any>} reply
 * @property {boolean} isSent
 * @property {() => void} unwatch
 */

const MAX_RUNNING = 8; // of a session: the server refuses more
const NAME = /^[^\ud800-\udfff]{1,100}$/u; // without a lone surrogate, which is not valid in UTF-8

export class Requests {
  #environment;
  #sender;
  #count = 0;
  /** @type {Map<number, OpenRequest>} in the order of the calls: those that were sent come first */
  #requests = new Map();

  /**
   * @param {import("./browser_environment.js").Environment} environment
   * @param {import("./request_queue.js").FrameSender} sender
   */
  constructor(environment, sender) {
    this.#environment = environment;
    this.#sender = sender;
  }

  /**
   * Send a request, once there is a connection. Every failure, also of these arguments, is one of
   * the reply.
   * @param {string} name
   * @param {unknown} [data]
   * @param {RequestOptions} [options]
   * @returns {Reply<any>}
   */
  request(name, data = null, options = {}) {
    const id = ++this.#count * 2; // even: the ids of messages, joins and leaves are odd
    const reply = new Reply(
      (count) => this.#requests.has(id) && this.#sender.send({ type: "reply_received", id, count }),
      () => this.#cancel(id),
    );
    try {
      options.signal?.throwIfAborted();
      if (!NAME.test(name)) throw codedError("invalid_message", "no name");
      const json = JSON.parse(this.#sender.toJson(data));
      const frame = { type: "request", id, name: `${name}`, data: json };
      const unwatch = this.#watch(id, options);
      this.#requests.set(id, { frame, reply, isSent: false, unwatch });
      this.sendNext();
    } catch (error) {
      reply.fail(error);
    }
    return reply;
  }

  /** The connection has ended: the server has cancelled those that were sent. */
  onLost() {
    this.fail("lost", reasonFor(LOST), true);
  }

  /**
   * @param {Frame} frame
   * @param {string} text the frame as received
   * @returns {boolean} whether it is about an open request
   */
  onFrame(frame, text) {
    const { id, code, detail, done } = frame;
    const request = this.#requests.get(id);
    if (!request) return false;
    if (code || done) this.#remove(id);
    if (code) request.reply.fail(codedError(code, detail));
    else request.reply.receive(frame, utf8Length(text));
    this.sendNext();
    return true;
  }

  /**
   * Cancel a request when its time is over or its signal aborts.
   * @param {number} id
   * @param {RequestOptions} options
   * @returns {() => void} ends the watch
   */
  #watch(id, { signal, timeout }) {
    const timer = new Timer(this.#environment);
    const onAbort = () => this.#cancel(id, signal?.reason);
    if (timeout !== undefined)
      timer.set(timeout, () => this.#cancel(id, codedError("timeout", "no answer in time")));
    signal?.addEventListener("abort", onAbort);
    return () => {
      timer.clear();
      signal?.removeEventListener("abort", onAbort);
    };
  }

  /** Send those that wait, as far and as fast as the server takes them. */
  sendNext = () => {
    let running = 0;
    for (const request of this.#requests.values()) {
      if (++running > MAX_RUNNING || !this.#sender.isUp()) return;
      if (request.isSent) continue;
      if (!this.#sender.rate.take(this.sendNext)) return;
      request.isSent = true; // before sending: a listener to frames may add requests
      request.isSent = this.#sender.send(request.frame);
      if (!request.isSent) return;
    }
  };

  /** @param {number} id @param {unknown} [error] */
  #cancel(id, error) {
    const request = this.#remove(id);
    if (request?.isSent) this.#sender.send({ type: "cancel", id });
    request?.reply.fail(error, true);
    this.sendNext();
  }

  /** @param {number} id */
  #remove(id) {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    request?.unwatch();
    return request;
  }

  /** Fail all requests. @param {string} code @param {string} detail @param {boolean} [isSent] only those that were sent */
  fail(code, detail, isSent) {
    for (const [id, request] of this.#requests)
      if (request.isSent || !isSent) this.#remove(id)?.reply.fail(codedError(code, detail));
  }
}
