/** The client: keeps one connection to the server, whatever happens to the line or the page. */

import { DEFAULTS } from "./backoff.js";
import { isDismissal, isFinal, NO_CODE, NORMAL, PAGE_FROZEN, reasonFor } from "./codes.js";
import { Connection } from "./connection.js";
import { Delivery } from "./delivery.js";
import { environment, socketUrl } from "./environment.js";
import { ClientEventTarget } from "./events.js";
import { IdentityKeeper } from "./identity.js";
import { Lifecycle } from "./lifecycle.js";
import { Retry } from "./retry.js";
import { next } from "./states.js";

/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./events.js").LastError} LastError */
/** @typedef {import("./events.js").Stats} Stats */
/** @typedef {import("./states.js").ClientState} ClientState */
/** @typedef {import("./states.js").ClientEvent} ClientEvent */

/**
 * @typedef {object} Options
 * @property {string} [url] path or address; default `/ws/` on the page's own host
 * @property {boolean} [autoReconnect] default true
 * @property {Partial<import("./backoff.js").Backoff>} [backoff]
 * @property {Partial<import("./environment.js").Environment>} [environment] for tests
 */

const CLIENT = "realtime-js/0.1.0";

export class RealtimeClient extends ClientEventTarget {
  #environment;
  #identity;
  #lifecycle;
  #retry;
  #delivery;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {ClientState} */
  #state = "disconnected";
  /** @type {ClientState} the state of the newest `state` event */
  #announced = "disconnected";
  #stateSince;
  #autoReconnect;
  #parked = false;
  #reason = "";
  /** @type {number | null} */
  #latency = null;
  /** @type {LastError | null} */
  #lastError = null;
  /** @type {string | null} */
  #user = null;
  #pings = 0;
  #pongs = 0;
  #misses = 0;

  /** @type {import("./events.js").Emit} */
  #emit = (type, detail) => {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  };

  /** @param {Options} [options] */
  constructor({ url = "/ws/", autoReconnect = true, backoff, environment: overrides = {} } = {}) {
    super();
    /** The absolute address of the server's socket. */
    this.url = socketUrl(url);
    this.#environment = environment(overrides);
    this.#stateSince = this.#environment.wall();
    this.#autoReconnect = autoReconnect;
    this.#identity = new IdentityKeeper(this.url, this.#environment.storage);
    const delays = { ...DEFAULTS, ...backoff };
    this.#retry = new Retry(this.#environment, delays, () => this.#attempt());
    this.#delivery = new Delivery(
      this.#environment,
      (frame) => this.#isUp && this.#connection?.send(frame) === true,
      this.#emit,
    );
    this.#lifecycle = new Lifecycle(this.#environment, {
      left: () => this.#left(),
      returned: () => this.#returned(),
      frozen: () => this.#park(reasonFor(PAGE_FROZEN), PAGE_FROZEN),
      thawed: () => this.#parked && this.#begin(),
      woken: () => this.#hurry(),
      turned: (state) => this.#turned(state),
    });
  }

  /** @returns {ClientState} */
  get state() {
    return this.#state;
  }

  /** Connected, but the server has said that it cannot reach its store. */
  get degraded() {
    return this.#connection?.degraded ?? false;
  }

  /**
   * See to it that there is a connection: open one, stop waiting for the next attempt,
   * or, where there is one, make sure that the server still answers.
   */
  connect() {
    if (!this.#isAway) return this.#hurry();
    if (!this.#lifecycle.started) {
      this.#identity.take();
      this.#lifecycle.start();
    }
    this.#begin();
  }

  /** Leave for good: the session ends here and on the server. */
  disconnect() {
    this.#lifecycle.stop();
    this.#identity.forget();
    this.#connection?.send({ type: "bye" });
    this.#delivery.close("disconnected");
    this.#halt("", NORMAL);
  }

  /**
   * Be in a room from now on, also after reconnects.
   * @param {string} room
   */
  join(room) {
    this.#delivery.rooms.join(room);
  }

  /** @param {string} room */
  leave(room) {
    this.#delivery.rooms.leave(room);
  }

  /**
   * Say something in a room. It waits while nobody is connected.
   * @param {string} room
   * @param {unknown} data as JSON it is what the others get
   * @returns {Promise<void>} the server has it; rejected with an error whose `code` says why not
   */
  send(room, data) {
    return this.#delivery.send(room, data);
  }

  enableAutoReconnect() {
    this.#autoReconnect = true;
  }

  /** The connection stays; when it ends, or if it has ended already, no other follows. */
  disableAutoReconnect() {
    this.#autoReconnect = false;
    if (this.#retry.waiting) this.#halt(this.#reason);
  }

  /** Forget attempts, grown delays and the last error, as if nothing had gone wrong yet. */
  resetReconnectState() {
    this.#retry.reset();
    this.#lastError = null;
    if (this.#state === "error") this.#enter("end");
    else if (this.#state === "connecting") this.#announce();
  }

  /** @returns {Promise<number>} the latency in ms; rejected if no answer comes */
  async ping() {
    const latency = this.#connection?.ping();
    if (!latency) throw new Error("not connected");
    return latency;
  }

  /** @returns {Stats} everything known now */
  stats() {
    const { session = null, since = null } = this.#identity.current ?? {};
    return {
      state: this.#state,
      stateSince: this.#stateSince,
      reason: this.#reason,
      degraded: this.degraded,
      session,
      since,
      user: this.#user,
      latency: this.#latency,
      pings: this.#pings,
      pongs: this.#pongs,
      misses: this.#misses,
      attempts: this.#retry.attempts,
      nextAttemptAt: this.#retry.nextAttemptAt,
      autoReconnect: this.#autoReconnect,
      lastError: this.#lastError,
    };
  }

  get #isUp() {
    return this.#state === "connected" || this.#state === "unstable";
  }

  get #isAway() {
    return this.#state === "disconnected" || this.#state === "error";
  }

  #begin() {
    this.#retry.reset();
    this.#delivery.open();
    this.#parked = false;
    this.#move("connect");
    this.#attempt();
  }

  #attempt() {
    this.#retry.begun();
    this.#connection = new Connection(this.url, this.#environment, {
      hello: () => this.#hello(),
      welcomed: (frame) => this.#welcomed(frame),
      framed: (direction, frame) => this.#framed(direction, frame),
      doubted: (doubting) => this.#enter(doubting ? "doubt" : "life"),
      measured: (latency) => this.#measured(latency),
      noticed: (state) => this.#emit("notice", { state }),
      told: (frame) => this.#delivery.told(frame),
      ended: (end) => this.#ended(end),
    });
    this.#announce();
  }

  /** @returns {Frame} */
  #hello() {
    const { session, token } = this.#identity.current ?? {};
    const resume = session ? { session, token } : undefined;
    const { visibility } = this.#lifecycle;
    const rooms = this.#delivery.hello();
    return { type: "hello", protocol: 1, client: CLIENT, resume, rooms, visibility };
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    const { session, token, resumed, user } = frame;
    const wall = this.#environment.wall();
    const since = resumed ? (this.#identity.current?.since ?? wall) : wall;
    this.#identity.keep({ session, token, since });
    this.#user = user;
    const { attempts } = this.#retry;
    this.#retry.succeeded();
    this.#enter("welcome");
    this.#emit("connection_established", { session, user, resumed, attempts });
    if (this.#isUp) this.#delivery.welcomed(frame); // listeners are free to disconnect
  }

  /**
   * @param {"in" | "out"} direction
   * @param {Frame} frame
   */
  #framed(direction, frame) {
    const type = direction === "in" && frame.type;
    if (type === "ping") this.#pings += 1;
    this.#emit("frame", { direction, frame });
    if (type === "error") this.#emit("server_error", /** @type {any} */ (frame)); // the server's to shape
  }

  /** @param {number | null} latency */
  #measured(latency) {
    if (latency === null) {
      this.#misses += 1;
    } else {
      this.#latency = latency;
      this.#pongs += 1;
    }
    this.#emit("latency", { latency });
  }

  /** @param {End} end */
  #ended({ code, reason, delay }) {
    const wasUp = this.#isUp;
    this.#connection = null;
    this.#lastError = { code, reason, at: this.#environment.wall() };
    if (isFinal(code)) {
      // The session has ended or belongs to another page now: never ask for it again.
      this.#identity.forget();
      this.#delivery.close(reason);
      this.#enter(isDismissal(code) ? "end" : "fail", reason);
    } else if (!this.#autoReconnect) {
      this.#enter("end", reason);
    } else if (this.#retry.exhausted) {
      this.#enter("fail", `gave up after ${this.#retry.attempts} attempts: ${reason}`);
    } else {
      this.#retry.plan(code, delay);
      this.#enter("retry", reason);
    }
    const willReconnect = this.#state === "connecting";
    if (wasUp) this.#emit("connection_lost", { code, reason, willReconnect });
  }

  #hurry() {
    if (this.#retry.waiting) this.#attempt();
    else this.#connection?.probe();
  }

  /** @param {"visible" | "hidden"} state */
  #turned(state) {
    this.#connection?.send({ type: "visibility", state });
    if (state === "visible" && this.#retry.waiting) this.#attempt();
  }

  #left() {
    this.#identity.leave();
    this.#park("page left");
  }

  #returned() {
    if (!this.#parked) return;
    this.#identity.take();
    this.#begin();
  }

  /**
   * Close without a bye: the session is kept for the return.
   * @param {string} reason
   * @param {number} [code]
   */
  #park(reason, code) {
    if (this.#isAway) return;
    this.#parked = true;
    this.#halt(reason, code);
  }

  /**
   * @param {string} reason
   * @param {number} [code] for the close frame; none: closed without one
   */
  #halt(reason, code) {
    const wasUp = this.#isUp;
    const detail = { code: code ?? NO_CODE, reason, willReconnect: false };
    this.#retry.cancel();
    this.#connection?.close(code);
    this.#connection = null;
    if (this.#state !== "disconnected") this.#enter("end", reason);
    if (wasUp) this.#emit("connection_lost", detail);
  }

  /**
   * @param {ClientEvent} event
   * @param {string} [reason]
   */
  #enter(event, reason) {
    this.#move(event, reason);
    this.#announce();
  }

  /**
   * @param {ClientEvent} event
   * @param {string} [reason]
   */
  #move(event, reason = "") {
    const before = this.#state;
    this.#state = next(before, event);
    if (this.#state !== before) this.#stateSince = this.#environment.wall();
    this.#reason = reason;
  }

  #announce() {
    const previous = this.#announced;
    this.#announced = this.#state;
    this.#emit("state", { previous, ...this.stats() });
  }
}
