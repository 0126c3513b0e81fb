/**
 * Keeps one connection to the server through losses, page changes and network changes. The
 * state machine behind `RealtimeClient`, which is the public face of it.
 */

import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
import { DEFAULTS } from "./backoff.js";
import * as codes from "./codes.js";
import { causeOf, constructorFailure } from "./connect_errors.js";
import { Connection } from "./connection.js";
import { LoginRetry } from "./login_retry.js";
import { Messaging } from "./messaging.js";
import { PageLifecycle } from "./page_lifecycle.js";
import { ReconnectSchedule } from "./reconnect_schedule.js";
import { ResumableSession } from "./resumable_session.js";
import { SleepAwareClock } from "./sleep_aware_clock.js";
import { StateTracker } from "./state_tracker.js";
import { TokenLogin } from "./token_login.js";

/** @typedef {import("./connection.js").End} End */
/** @typedef {import("./connection.js").Frame} Frame */
/** @typedef {import("./state_tracker.js").ClientState} ClientState */

export class ConnectionManager {
  #environment;
  #timeouts;
  #session;
  #lifecycle;
  #loginRetry;
  #schedule;
  #state;
  #url;
  #name;
  #connection = /** @type {Connection | null} */ (null);
  /** @type {ClientState} of the newest `state` event */
  #announcedState = "disconnected";
  /** Closed because the page left or froze: connects again when it returns. */
  #parked = false;
  #autoReconnect;
  #tokenLogin;

  /**
   * @param {import("./client.js").ManagerOptions} options the absolute `url`;
   *   `name` and version of the software
   * @param {import("./events.js").Emit} emit
   */
  constructor({ url, name, auth, environment, autoReconnect = true, ...options }, emit) {
    this.#url = url;
    this.#name = name;
    this.emit = emit;
    this.#autoReconnect = autoReconnect;
    this.#timeouts = new AdaptiveTimeouts(options.timeout);
    const clock = new SleepAwareClock(environment);
    this.#environment = environment;
    this.#state = new StateTracker(clock);
    const delays = { ...DEFAULTS, ...options.backoff };
    this.#schedule = new ReconnectSchedule(environment, delays, () => this.#attempt());
    const sender = {
      isUp: () => this.#state.isUp,
      send: (/** @type {Frame} */ frame) => !!this.connection?.send(frame),
    };
    this.messaging = new Messaging(environment, clock, sender, emit, options.warnUnsent);
    this.#session = new ResumableSession(url, environment.storage, clock, this.messaging);
    this.#loginRetry = new LoginRetry(url, environment, clock, () => this.#begin());
    this.#tokenLogin = new TokenLogin(auth, environment, this.#timeouts, (end) => this.onEnd(end));
    this.#lifecycle = new PageLifecycle(environment, clock, this.#session, this);
  }

  get state() {
    return this.#state.state;
  }

  /** @returns {Connection | null} a welcomed one, also while a probe is unanswered */
  get connection() {
    return this.#state.isUp ? this.#connection : null;
  }

  /** Connect; while waiting, attempt now; while connected, probe the server. */
  connect() {
    if (this.#schedule.waiting) return this.#attempt();
    if (!this.#state.isIdle) return this.probe();
    if (!this.#lifecycle.started) {
      this.messaging.rooms.onLoad(this.#session.load());
      this.#lifecycle.start();
    }
    this.#loginRetry.cancel();
    this.#begin();
  }

  /** Disconnect the whole page: the session ends here and on the server. */
  disconnect() {
    if (this.#lifecycle.started) this.#session.forget();
    this.#lifecycle.stop();
    this.#loginRetry.cancel();
    this.#session.clear();
    this.#session.releaseKey();
    this.#tokenLogin.forget();
    this.#connection?.send({ type: "bye" });
    this.messaging.close("disconnected");
    this.#close("", codes.NORMAL);
    this.messaging.rooms.pause();
  }

  /** Reconnect after a loss; or do not, and wait for no attempt. @param {boolean} isOn */
  setAutoReconnect(isOn) {
    this.#autoReconnect = isOn;
    if (!isOn && this.#schedule.waiting) this.#close(this.#state.reason);
    else this.#announceState();
  }

  /** Forget attempts, grown delays and the last error; `error` becomes `disconnected`. */
  reset() {
    this.#schedule.reset();
    this.#state.lastError = null;
    if (this.state === "error") this.#enter("disconnected");
    else if (this.state === "connecting") this.#announceState();
  }

  /** @returns {import("./events.js").Stats} */
  stats() {
    const { session = null, since = null } = this.#session.current ?? {};
    return {
      ...this.#state.stats,
      ...this.#schedule.stats,
      degraded: !!this.#connection?.degraded,
      session,
      since,
      user: this.messaging.user ?? null,
      online: globalThis.navigator?.onLine !== false,
      pending: this.messaging.pending,
      autoReconnect: this.#autoReconnect,
    };
  }

  #begin() {
    this.messaging.open();
    this.#parked = this.#lifecycle.isAway;
    if (this.#parked) return; // until the session of the page that was there is loaded
    this.#schedule.reset();
    this.#state.isRestarting = false;
    this.#state.enter("connecting");
    this.#attempt();
  }

  #attempt() {
    this.#schedule.onAttempt();
    if (!this.#tokenLogin.attempt(() => this.#open())) this.#announceState();
  }

  #open() {
    try {
      this.#connection = new Connection(this.#url, this.#environment, this.#timeouts, this);
      this.#announceState();
    } catch (error) {
      this.#announceState();
      this.onEnd(constructorFailure(error));
    }
  }

  /** @returns {Frame} */
  hello() {
    return {
      type: "hello",
      protocol: 1,
      client: this.#name,
      resume: this.#session.resumeRequest(),
      rooms: this.messaging.hello(),
      visibility: this.#lifecycle.visibility,
      auth: this.#tokenLogin.auth,
    };
  }

  /** @param {Frame} frame */
  onWelcome(frame) {
    const { session, token, resumed, user, resume_window } = frame;
    const since = (resumed && this.#session.current?.since) || this.#environment.wall();
    this.#session.set({ session, token, since }, resume_window);
    this.messaging.prepare(frame);
    this.#state.isRestarting = false;
    const { attempts } = this.#schedule;
    this.#schedule.onWelcome();
    this.#loginRetry.onWelcome(resumed);
    this.#tokenLogin.onWelcome();
    this.#enter("connected");
    // Listeners may disconnect, and connect again.
    if (this.#state.isUp) this.emit("connection_established", { session, user, resumed, attempts });
    if (this.#state.isUp) this.messaging.onWelcome(frame);
  }

  /** @param {"in" | "out"} direction @param {Frame} frame */
  onFrame(direction, frame) {
    const type = direction === "in" && frame.type;
    if (type === "ping") this.#state.onPing();
    this.emit("frame", { direction, frame });
    if (type === "error") this.emit("server_error", /** @type {any} */ (frame)); // not validated
  }

  /** @param {boolean} doubting */
  onDoubt(doubting) {
    this.#enter(doubting ? "unstable" : "connected");
  }

  /** @param {number | null} latency */
  onLatency(latency) {
    this.#state.onLatency(latency);
    this.emit("latency", { latency });
  }

  onAuthExpiring() {
    this.#tokenLogin.renew(this.#connection);
  }

  /** An attempt failed or a connection ended. @param {End} end */
  onEnd(end) {
    const { code, reason } = end;
    const wasUp = this.#state.isUp;
    this.#state.onError({ code, reason, at: this.#environment.wall() });
    this.#connection = null;
    this.#continueAfter(end);
    this.messaging.requests.onLost();
    const detail = { code, reason, willReconnect: this.state === "connecting" };
    if (wasUp) this.emit("connection_lost", detail);
    else this.emit("connect_error", { ...detail, cause: causeOf(end) });
  }

  /** Stay away, give up or schedule the next attempt. @param {End} end */
  #continueAfter({ code, reason, delay, permanent = false }) {
    const reclaims = code === codes.TAKEN_OVER && this.#autoReconnect && this.#session.reclaim();
    if (this.#tokenLogin.onEnd(code) && !reclaims) {
      this.#session.clear(); // it has ended or belongs to another page: never resume it again
      this.messaging.close(reason);
      this.#loginRetry.onFinalClose(code);
      this.#enter(codes.DISMISSED.includes(code) ? "disconnected" : "error", reason);
      this.messaging.rooms.pause();
    } else if (permanent) {
      this.#enter("error", reason);
    } else if (!this.#autoReconnect) {
      this.#enter("disconnected", reason);
    } else if (this.#schedule.exhausted) {
      const cause = this.#state.lastError?.reason ?? reason;
      this.#enter("error", `gave up after ${this.#schedule.attempts} attempts: ${cause}`);
    } else {
      this.#schedule.schedule(code, delay);
      const isRestarting = this.#state.isRestarting && codes.reasonFor(codes.RESTARTING);
      this.#enter("connecting", isRestarting || reason);
    }
  }

  onBeforeUnload() {
    this.#session.save(this.messaging.rooms.positions(), true);
  }

  onPageHide() {
    this.#session.forget();
    this.#session.save(this.messaging.rooms.positions());
    this.#park("page left");
  }

  onPageRestore() {
    this.#session.load();
    this.onResume();
  }

  onFreeze() {
    this.#park(codes.reasonFor(codes.PAGE_FROZEN), codes.PAGE_FROZEN);
  }

  onResume() {
    if (this.#parked) this.#begin();
  }

  onWake() {
    this.#hurry();
    this.probe();
  }

  /** Attempt sooner, within limits: the same event may wake many clients at once. */
  #hurry() {
    if (this.#schedule.advance()) this.#announceState();
  }

  onOnline() {
    if (!this.#connection?.isStuck) return this.onWake();
    this.#connection.close();
    this.#attempt();
  }

  probe() {
    this.#connection?.probe();
  }

  pingQuietly() {
    this.#connection?.pingQuietly();
  }

  /** @param {"visible" | "hidden"} state */
  onVisibility(state) {
    this.#connection?.send({ type: "visibility", state });
    if (state === "visible") this.#hurry();
  }

  onAttention() {
    if (this.#autoReconnect) this.#loginRetry.onAttention();
  }

  /** @param {string | null} key */
  onStorage(key) {
    if (this.#autoReconnect) this.#loginRetry.onStorage(key);
  }

  /** Close without a bye: the server keeps the session. @param {string} reason @param {number} [code] */
  #park(reason, code) {
    if (this.#state.isIdle) return;
    this.#parked = true;
    this.#close(reason, code);
  }

  /**
   * Stop connecting and close the connection.
   * @param {string} reason @param {number} [code] of the close frame; none: one without a code
   */
  #close(reason, code) {
    const wasUp = this.#state.isUp;
    const detail = { code: code ?? codes.NO_CODE, reason, willReconnect: false };
    this.#schedule.cancel();
    this.#tokenLogin.cancel();
    this.#connection?.close(code);
    this.#connection = null;
    if (this.state !== "disconnected") this.#enter("disconnected", reason);
    this.messaging.requests.onLost();
    if (wasUp) this.emit("connection_lost", detail);
  }

  /** @param {ClientState} state @param {string} [reason] */
  #enter(state, reason) {
    this.#state.enter(state, reason);
    this.#announceState();
  }

  #announceState() {
    const previous = this.#announcedState;
    this.#announcedState = this.state;
    this.emit("state", { previous, ...this.stats() });
  }
}
