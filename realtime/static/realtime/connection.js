/**
 * One WebSocket, from hello to its end. A client makes a new one for every attempt.
 *
 * It ends once and says so once; after that nothing of its socket is heard. Nobody
 * waits for `close` events: on a dead line the browser sends one after a minute.
 */

import { Alarm } from "./alarm.js";
import { LOST, reasonFor } from "./codes.js";
import { Flow } from "./flow.js";
import { bytesOf, parsed } from "./json.js";
import { Pings } from "./pings.js";
import { Watchdog } from "./watchdog.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {Record<string, any>} Frame */

/**
 * @typedef {object} End
 * @property {number} code the server's, from its goodbye or its close frame; 1006 if it sent none
 * @property {string} reason
 * @property {unknown} [delay] the server's window for the return
 */

/**
 * @typedef {object} ConnectionOwner
 * @property {() => Frame} hello the first frame
 * @property {(frame: Frame) => void} welcomed
 * @property {(direction: "in" | "out", frame: Frame) => void} framed every frame that was sent or is about to be served
 * @property {(doubting: boolean) => void} doubted
 * @property {(latency: number | null) => void} measured the client's own ping was answered, ms; or not in time
 * @property {(state: "degraded" | "ok") => void} noticed
 * @property {(frame: Frame) => void} told a frame about rooms and messages, of a welcomed connection
 * @property {(end: End) => void} ended
 */

const SUBPROTOCOL = "realtime.v1";
const WELCOME_MS = 10_000;
const OPEN = 1; // WebSocket.OPEN, also where the WebSocket is a test's

export class Connection {
  #environment;
  #owner;
  #socket;
  #deadline;
  /** @type {Watchdog | null} */
  #watchdog = null;
  /** @type {Pings | null} */
  #pings = null;
  /** @type {Flow | null} */
  #flow = null;
  #pingCount = 0;
  #over = false;
  /** Whether the server has said that it cannot reach its store. */
  degraded = false;

  /**
   * @param {string} url
   * @param {Environment} environment
   * @param {ConnectionOwner} owner
   */
  constructor(url, environment, owner) {
    this.#environment = environment;
    this.#owner = owner;
    this.#deadline = new Alarm(environment);
    this.#socket = new environment.WebSocket(url, SUBPROTOCOL);
    this.#socket.onopen = () => this.send(owner.hello());
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason);
    this.#deadline.set(WELCOME_MS, () => this.#end(LOST, "no answer within 10 s"));
  }

  /**
   * @param {Frame} frame
   * @returns {boolean} whether it could be handed to the socket
   */
  send(frame) {
    if (this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    this.#owner.framed("out", frame);
    return true;
  }

  /** Make sure that the server is still there: its silence ends the connection in 2 s. */
  probe() {
    this.#watchdog?.probe();
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
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#deadline.clear();
    this.#watchdog?.stop();
    this.#pings?.abandon("the connection has ended");
    this.#socket.close(code);
  }

  /** @param {any} data */
  #receive(data) {
    this.#watchdog?.heard();
    const frame = parsed(data);
    if (typeof frame?.type !== "string") return; // not ours: binary, or not JSON
    this.#owner.framed("in", frame);
    // It may be over: the owner's listeners are free to act.
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
        return this.#end(frame.code, frame.reason, frame.delay);
      case "publication":
        this.#flow?.took(bytesOf(text)); // first: whatever becomes of it, it has come
    }
    if (this.#flow) this.#owner.told(frame);
  }

  /** @param {any} frame */
  #welcome(frame) {
    if (this.#watchdog) return;
    const send = (/** @type {Frame} */ answer) => this.send(answer);
    this.#deadline.clear();
    this.#flow = new Flow(frame, send);
    this.#pings = new Pings(this.#environment, frame.pong_timeout, {
      send,
      missed: () => this.#owner.measured(null),
    });
    this.#watchdog = new Watchdog(frame, this.#environment, {
      probe: () => this.#pings?.send(),
      doubt: (doubting) => this.#owner.doubted(doubting),
      lost: () => this.#lost(),
    });
    this.#owner.welcomed(frame);
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
    if (latency !== null) this.#owner.measured(latency);
  }

  /** @param {Frame} notice */
  #notice({ state }) {
    if (state !== "degraded" && state !== "ok") return; // a later version's
    this.degraded = state === "degraded";
    this.#owner.noticed(state);
  }

  #lost() {
    this.#owner.measured(null);
    if (!this.#over) this.#end(LOST, "the server does not answer");
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   * @param {unknown} [delay]
   */
  #end(code, reason, delay) {
    this.close();
    this.#owner.ended({ code, reason: reason || reasonFor(code), delay });
  }
}
