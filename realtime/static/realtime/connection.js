/**
 * One WebSocket, from hello to its end. A client makes a new one for every attempt.
 *
 * It ends once and says so once; after that nothing of its socket is heard. Nobody
 * waits for `close` events: on a dead line the browser sends one after a minute.
 */

import { LOST, reasonFor } from "./codes.js";
import { forbids, POLICY_REASON } from "./connect_errors.js";
import { FlowControl } from "./flow_control.js";
import { bytesOf, parsed } from "./json.js";
import { Pings } from "./pings.js";
import { Timer } from "./timer.js";
import { Watchdog } from "./watchdog.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} End
 * @property {number} code the server's, from its goodbye or its close frame; 1006 if it sent none
 * @property {string} reason
 * @property {unknown} [delay] the server's window for the return
 * @property {boolean} [hopeless] this page cannot connect, however often it tries
 */

/**
 * @typedef {object} ConnectionCallbacks
 * @property {() => Frame} hello the first frame
 * @property {(frame: Frame) => void} welcomed
 * @property {(direction: "in" | "out", frame: Frame) => void} framed every frame that was sent or is about to be served
 * @property {(doubting: boolean) => void} doubted
 * @property {(latency: number | null) => void} measured the client's own ping was answered, ms; or not in time
 * @property {(state: "degraded" | "ok") => void} noticed
 * @property {(data: ArrayBuffer) => void} handed a binary frame, of a welcomed connection
 * @property {(frame: Frame) => void} told a frame about rooms and messages, of a welcomed connection
 * @property {(end: End) => void} ended
 */

const SUBPROTOCOL = "realtime.v1";
// What is measured more slowly than this may have waited in the server: measured once more, alone.
const SLOW_MS = 1000;
// An attempt that has heard nothing for so long may belong to a network that is gone.
const STUCK_MS = 3000;
const CLOSE_MS = 1000;
const OPEN = 1; // WebSocket.OPEN, also where the WebSocket is a test's

export class Connection {
  #environment;
  #owner;
  #patience;
  #socket;
  #deadline;
  /** Since when the other side has had something to answer. */
  #waitsSince;
  #violated;
  /** @type {Watchdog | null} */
  #watchdog = null;
  /** @type {Pings | null} */
  #pings = null;
  /** @type {FlowControl | null} */
  #flow = null;
  #pingCount = 0;
  #maxBytes = 0;
  #over = false;
  /** Whether the server has said that it cannot reach its store. */
  degraded = false;

  /**
   * Throws what the browser's WebSocket throws.
   * @param {string} url
   * @param {Environment} environment
   * @param {ConnectionCallbacks} owner
   * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} patience
   */
  constructor(url, environment, owner, patience) {
    this.#environment = environment;
    this.#owner = owner;
    this.#patience = patience;
    this.#deadline = new Timer(environment);
    this.#waitsSince = environment.now();
    this.#violated = (/** @type {any} */ event) => forbids(event, url) && this.#forbidden();
    environment.policy?.addEventListener("securitypolicyviolation", this.#violated);
    this.#socket = this.#opening(url);
    this.#await();
  }

  /**
   * @param {string} url
   * @returns {WebSocket}
   */
  #opening(url) {
    try {
      const socket = new this.#environment.WebSocket(url, SUBPROTOCOL);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => this.#greet();
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onclose = ({ code, reason }) => this.#end({ code, reason });
      // A close follows, but not where the browser refuses to connect at all.
      socket.onerror = () => this.#flow || this.#await(CLOSE_MS, "the browser refuses to connect");
      return socket;
    } catch (error) {
      this.#unwatch();
      throw error;
    }
  }

  /** Nothing has come of it for a while, not even a socket: what it was made on may be gone. */
  get isStuck() {
    return !this.#flow && this.#environment.now() - this.#waitsSince >= STUCK_MS;
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it could be handed to the socket
   */
  send(frame) {
    if (this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    if (frame.id) this.#watchdog?.expect();
    this.#owner.framed("out", frame);
    return true;
  }

  /**
   * A binary frame, for the application.
   * @param {BufferSource | Blob} data
   * @returns {boolean} whether it could be handed to the socket
   */
  sendBytes(data) {
    if (!this.#flow || this.#socket.readyState !== OPEN) return false;
    const size = data instanceof Blob ? data.size : data.byteLength;
    if (typeof size !== "number")
      throw new TypeError("expected a buffer, a view of one, or a blob");
    if (size > this.#maxBytes)
      throw new RangeError(`${size} bytes, where the server takes ${this.#maxBytes}`);
    this.#socket.send(data);
    this.#watchdog?.expect();
    return true;
  }

  /** Make sure that the server is still there: its silence ends the connection in 2 s or a bit more. */
  probe() {
    this.#watchdog?.probe();
  }

  /** The same without alarming anybody: only if there is no answer the line is in doubt. */
  check() {
    this.#pings?.send();
    this.#watchdog?.expect();
  }

  /** @returns {Promise<number> | undefined} the latency in ms; undefined before the welcome */
  ping() {
    return this.#pings?.ask();
  }

  /**
   * Close from this side. The owner is not told: it knows.
   * @param {number} [code]
   */
  close(code) {
    this.#over = true;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    this.#deadline.clear();
    this.#unwatch();
    this.#watchdog?.stop();
    this.#pings?.abandon("the connection has ended");
    this.#socket.close(code);
  }

  #greet() {
    this.#unwatch(); // what is forbidden from now on is another's
    this.#waitsSince = this.#environment.now();
    this.#await();
    this.send(this.#owner.hello());
  }

  /** Give up what takes too long. */
  #await(ms = this.#patience.opening, reason = `no answer within ${Math.round(ms / 1000)} s`) {
    this.#deadline.set(ms, () => {
      this.#patience.gaveUp();
      this.#end({ code: LOST, reason });
    });
  }

  #unwatch() {
    this.#environment.policy?.removeEventListener("securitypolicyviolation", this.#violated);
  }

  #forbidden() {
    this.#end({ code: LOST, reason: POLICY_REASON, hopeless: true });
  }

  /** @param {any} data */
  #receive(data) {
    this.#watchdog?.heard();
    if (this.#over) return; // the owner's listeners are free to act, here and below
    if (typeof data !== "string") return this.#flow ? this.#owner.handed(data) : undefined;
    const frame = parsed(data);
    if (typeof frame?.type !== "string") return; // not ours
    this.#owner.framed("in", frame);
    if (!this.#over) this.#serve(frame, data);
  }

  /**
   * @param {Frame} frame of a type that is ours; an owner that knows more has seen the others
   * @param {string} text the frame as it came
   */
  #serve(frame, text) {
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "ping":
        return this.#pong(frame);
      case "pong":
        return this.#answered(frame);
      case "notice":
        return this.#notice(frame);
      case "goodbye":
        return this.#end({ code: frame.code, reason: frame.reason, delay: frame.delay });
      case "publication":
        this.#flow?.took(bytesOf(text)); // first: whatever becomes of it, it has come
    }
    if (this.#flow && !this.#over) this.#owner.told(frame);
  }

  /** @param {any} frame */
  #welcome(frame) {
    if (this.#watchdog) return;
    const send = (/** @type {Frame} */ answer) => this.send(answer);
    const took = this.#environment.now() - this.#waitsSince;
    this.#patience.welcomed(frame, took);
    this.#deadline.clear();
    this.#maxBytes = frame.max_message_size;
    this.#flow = new FlowControl(frame, send);
    this.#pings = new Pings(this.#environment, () => this.#patience.answer(frame.pong_timeout), {
      send,
      missed: () => this.#owner.measured(null),
    });
    this.#watchdog = this.#watch(frame);
    this.#owner.welcomed(frame);
    if (took > SLOW_MS && !this.#over) this.#pings.send();
  }

  /** @param {any} welcome */
  #watch(welcome) {
    const owner = {
      probe: () => this.#pings?.send(),
      doubt: (/** @type {boolean} */ doubting) => this.#owner.doubted(doubting),
      lost: () => this.#lost(),
    };
    return new Watchdog(welcome, this.#environment, owner, this.#patience);
  }

  /**
   * Answered here and now, in the network callback: timers of hidden tabs are held back.
   * @param {Frame} ping
   */
  #pong({ sequence, timestamp }) {
    this.#pingCount += 1;
    const client_time = this.#environment.wall();
    const ping_count = this.#pingCount;
    const received = this.#flow?.answer();
    this.send({ type: "pong", sequence, timestamp, client_time, received, ping_count });
  }

  /** @param {Frame} pong */
  #answered({ sequence }) {
    const latency = this.#pings?.answer(sequence) ?? null;
    if (latency === null) return;
    this.#patience.measured(latency);
    this.#owner.measured(latency);
  }

  /** @param {Frame} notice */
  #notice({ state }) {
    if (state !== "degraded" && state !== "ok") return; // a later version's
    this.degraded = state === "degraded";
    this.#owner.noticed(state);
  }

  #lost() {
    this.#owner.measured(null);
    if (!this.#over) this.#end({ code: LOST, reason: "the server does not answer" });
  }

  /** @param {Partial<End> & {code: number}} end */
  #end({ code, reason, delay, hopeless }) {
    this.close();
    this.#owner.ended({ code, reason: reason || reasonFor(code), delay, hopeless });
  }
}
