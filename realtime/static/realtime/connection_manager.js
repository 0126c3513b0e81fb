/**
 * Keeps one connection to the server, whatever happens to the line or the page: the machine
 * behind a client, which is what a page sees of it.
 */

import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
import { DEFAULTS } from "./backoff.js";
import { environment } from "./browser_environment.js";
import {
  isDismissal,
  isFinal,
  isRestart,
  LOST,
  NO_CODE,
  NORMAL,
  PAGE_FROZEN,
  RESTARTING,
  reasonFor,
  TAKEN_OVER,
} from "./codes.js";
import { refusal } from "./connect_errors.js";
import { Connection } from "./connection.js";
import { LoginRetry } from "./login_retry.js";
import { Messaging } from "./messaging.js";
import { PageLifecycle } from "./page_lifecycle.js";
import { PingCounters } from "./ping_counters.js";
import { ReconnectSchedule } from "./reconnect_schedule.js";
import { ResumableSession } from "./resumable_session.js";
import { SleepAwareClock } from "./sleep_aware_clock.js";
import { StateTracker } from "./state_tracker.js";

/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./events.js").LastError} LastError */
/** @typedef {import("./states.js").ClientState} ClientState */

export class ConnectionManager {
  #environment;
  #elapsed;
  #patience = new AdaptiveTimeouts();
  #identity;
  #lifecycle;
  #readmission;
  #retry;
  #standing;
  #url;
  #name;
  #emit;
  #tally = new PingCounters();
  /** @type {Connection | null} */
  #connection = null;
  /** @type {ClientState} the state of the newest `state` event */
  #announced = "disconnected";
  #parked = false;
  /** The server has said that it goes: until it is back, what fails is no news. */
  #restarting = false;
  /** @type {LastError | null} */
  #lastError = null;
  /** @type {string | null} */
  #user = null;

  /**
   * @param {Required<import("./client.js").Options> & {name: string}} options the absolute `url`;
   *   `name` and version of the software
   * @param {import("./events.js").Emit} emit
   */
  constructor({ url, name, autoReconnect, backoff, environment: overrides }, emit) {
    this.#url = url;
    this.#name = name;
    this.#emit = emit;
    this.autoReconnect = autoReconnect;
    this.#environment = environment(overrides);
    this.#elapsed = new SleepAwareClock(this.#environment);
    this.#standing = new StateTracker(this.#elapsed);
    this.#identity = new ResumableSession(url, this.#environment.storage, this.#elapsed);
    const delays = { ...DEFAULTS, ...backoff };
    this.#retry = new ReconnectSchedule(this.#environment, delays, () => this.#attempt());
    const line = {
      isUp: () => this.#standing.isUp,
      send: (/** @type {Frame} */ frame) => line.isUp() && this.#connection?.send(frame) === true,
    };
    this.delivery = new Messaging(this.#environment, this.#elapsed, line, emit);
    const ask = () => this.#begin();
    this.#readmission = new LoginRetry(url, this.#environment, this.#elapsed, ask);
    this.#lifecycle = this.#living();
  }

  #living() {
    return new PageLifecycle(this.#environment, this.#elapsed, {
      left: () => this.#left(),
      returned: () => this.#returned(),
      frozen: () => this.#park(reasonFor(PAGE_FROZEN), PAGE_FROZEN),
      thawed: () => this.#parked && this.#begin(),
      woken: () => this.#woken(),
      online: () => this.#networked(),
      swayed: () => this.#connection?.check(),
      offline: () => this.#connection?.probe(),
      turned: (state) => this.#turned(state),
      seen: () => this.autoReconnect && this.#readmission.seen(),
      told: (key) => this.autoReconnect && this.#readmission.told(key),
    });
  }

  get state() {
    return this.#standing.state;
  }

  /** @returns {Connection | null} one that was welcomed, also if it is in doubt */
  get connection() {
    return this.#standing.isUp ? this.#connection : null;
  }

  connect() {
    if (!this.#standing.isAway) return this.#hurry();
    if (!this.#lifecycle.started) {
      this.#identity.take();
      this.#lifecycle.start();
    }
    this.#readmission.settle();
    this.#begin();
  }

  /** Leave for good, and for the whole page: the session ends here and on the server. */
  disconnect() {
    this.#lifecycle.stop();
    this.#readmission.settle();
    this.#identity.forget();
    this.#identity.release();
    this.#connection?.send({ type: "bye" });
    this.delivery.close("disconnected");
    this.#halt("", NORMAL);
    this.delivery.rooms.pause();
  }

  /** Auto-reconnect was switched off: who waits, waits no longer. */
  settle() {
    if (this.#retry.waiting) this.#halt(this.#standing.reason);
  }

  /** As if nothing had gone wrong yet. */
  reset() {
    this.#retry.reset();
    this.#lastError = null;
    if (this.state === "error") this.#enter("end");
    else if (this.state === "connecting") this.#announce();
  }

  /** @returns {import("./events.js").Stats} everything known now */
  stats() {
    const { session = null, since = null } = this.#identity.current ?? {};
    return {
      state: this.state,
      stateSince: this.#standing.since,
      reason: this.#standing.reason,
      degraded: this.#connection?.degraded ?? false,
      session,
      since,
      user: this.#user,
      ...this.#tally,
      attempts: this.#retry.attempts,
      nextAttemptAt: this.#retry.nextAttemptAt,
      autoReconnect: this.autoReconnect,
      lastError: this.#lastError,
    };
  }

  #begin() {
    this.#retry.reset();
    this.delivery.open();
    this.#parked = this.#restarting = false;
    this.#standing.move("connect");
    this.#attempt();
  }

  #attempt() {
    this.#retry.begun();
    try {
      this.#connection = this.#dial();
      this.#announce();
    } catch (error) {
      this.#announce();
      this.#ended(refusal(error));
    }
  }

  #dial() {
    const owner = {
      hello: () => this.#hello(),
      welcomed: (/** @type {Frame} */ frame) => this.#welcomed(frame),
      framed: this.#framed,
      doubted: (/** @type {boolean} */ doubting) => this.#enter(doubting ? "doubt" : "life"),
      measured: (/** @type {number | null} */ latency) => this.#measured(latency),
      noticed: (/** @type {"degraded" | "ok"} */ state) => this.#emit("notice", { state }),
      handed: (/** @type {ArrayBuffer} */ data) => this.#emit("bytes", { data }),
      told: (/** @type {Frame} */ frame) => this.delivery.told(frame),
      ended: (/** @type {End} */ end) => this.#ended(end),
    };
    return new Connection(this.#url, this.#environment, owner, this.#patience);
  }

  /** @returns {Frame} */
  #hello() {
    const resume = this.#identity.resume();
    const { visibility } = this.#lifecycle;
    const rooms = this.delivery.hello();
    return { type: "hello", protocol: 1, client: this.#name, resume, rooms, visibility };
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    const { session, token, resumed, user, resume_window } = frame;
    const wall = this.#environment.wall();
    const since = resumed ? (this.#identity.current?.since ?? wall) : wall;
    this.#identity.keep({ session, token, since }, resume_window);
    this.#user = user;
    this.#restarting = false;
    const { attempts } = this.#retry;
    this.#retry.succeeded();
    this.#readmission.welcomed(resumed);
    this.#enter("welcome");
    // Listeners are free to disconnect, and to connect again.
    if (this.#standing.isUp)
      this.#emit("connection_established", { session, user, resumed, attempts });
    if (this.#standing.isUp) this.delivery.welcomed(frame);
  }

  /** @type {import("./connection.js").ConnectionCallbacks["framed"]} */
  #framed = (direction, frame) => {
    const type = direction === "in" && frame.type;
    if (type === "ping") this.#tally.pings += 1;
    this.#emit("frame", { direction, frame });
    if (type === "error") this.#emit("server_error", /** @type {any} */ (frame)); // the server's to shape
  };

  /** @param {number | null} latency */
  #measured(latency) {
    this.#tally.measured(latency);
    this.#emit("latency", { latency });
  }

  /** @param {End} end */
  #ended({ code, reason, delay, hopeless = false }) {
    const wasUp = this.#standing.isUp;
    const isNews = code !== LOST || !this.#restarting;
    if (isNews) this.#restarting = isRestart(code);
    this.#connection = null;
    if (isNews) this.#lastError = { code, reason, at: this.#environment.wall() };
    const goesOn = code === TAKEN_OVER && this.autoReconnect && this.#identity.overtakes();
    if (isFinal(code) && !goesOn) {
      // The session has ended or belongs to another page now: never ask for it again.
      this.#identity.forget();
      this.delivery.close(reason);
      this.#readmission.sentAway(code);
      this.#enter(isDismissal(code) ? "end" : "fail", reason);
    } else if (hopeless) {
      this.#enter("fail", reason);
    } else if (!this.autoReconnect) {
      this.#enter("end", reason);
    } else if (this.#retry.exhausted) {
      const why = this.#lastError?.reason ?? reason;
      this.#enter("fail", `gave up after ${this.#retry.attempts} attempts: ${why}`);
    } else {
      this.#retry.plan(code, delay);
      this.#enter("retry", this.#restarting ? reasonFor(RESTARTING) : reason);
    }
    const willReconnect = this.state === "connecting";
    if (wasUp) this.#emit("connection_lost", { code, reason, willReconnect });
  }

  #hurry() {
    if (this.#retry.waiting) this.#attempt();
    else this.#connection?.probe();
  }

  /** Not at once, if an attempt has just failed: what wakes clients may come in swarms. */
  #woken() {
    if (this.#retry.hurry()) this.#announce();
    this.#connection?.probe();
  }

  #networked() {
    if (!this.#connection?.isStuck) return this.#woken();
    this.#connection.close();
    this.#attempt();
  }

  /** @param {"visible" | "hidden"} state */
  #turned(state) {
    this.#connection?.send({ type: "visibility", state });
    if (state === "visible" && this.#retry.hurry()) this.#announce();
  }

  #left() {
    this.#identity.leave();
    this.#park("page left");
  }

  #returned() {
    if (this.#standing.isAway) this.#identity.take();
    if (this.#parked) this.#begin();
  }

  /**
   * Close without a bye: the session is kept for the return.
   * @param {string} reason
   * @param {number} [code]
   */
  #park(reason, code) {
    if (this.#standing.isAway) return;
    this.#parked = true;
    this.#halt(reason, code);
  }

  /**
   * @param {string} reason
   * @param {number} [code] for the close frame; none: closed without one
   */
  #halt(reason, code) {
    const wasUp = this.#standing.isUp;
    const detail = { code: code ?? NO_CODE, reason, willReconnect: false };
    this.#retry.cancel();
    this.#connection?.close(code);
    this.#connection = null;
    if (this.state !== "disconnected") this.#enter("end", reason);
    if (wasUp) this.#emit("connection_lost", detail);
  }

  /**
   * @param {import("./states.js").ClientEvent} event
   * @param {string} [reason]
   */
  #enter(event, reason) {
    this.#standing.move(event, reason);
    this.#announce();
  }

  #announce() {
    const previous = this.#announced;
    this.#announced = this.state;
    this.#emit("state", { previous, ...this.stats() });
  }
}
