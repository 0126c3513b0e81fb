/**
 * Decides whether the connection is alive: lost after ping_interval + pong_timeout of silence.
 *
 * A heartbeat that pings only an idle connection measures the silence. The watchdog adds what
 * timers of browsers need: hidden tabs delay them (Chrome: to one a minute), a sleeping device
 * runs none, and frames that arrived meanwhile may be queued behind the late timer.
 *
 * Invariants:
 *
 * 1. One timer is set until `stop()`, for at most CHECK_MS. Every run of it sets it again.
 * 2. A timer that is late by more than the tolerance declares nothing lost. It excuses the
 *    standstill once, by shifting the heartbeat's deadlines, and probes the server. A second
 *    standstill is excused only after a frame or a punctual timer, so that a dead connection of
 *    a throttled tab is lost after the second late timer.
 * 3. A timer is not a standstill if a frame arrived after the timer was due.
 * 4. Any frame ends the doubt, the expectation of an answer and the excuse.
 * 5. `onDoubt(true)` follows each probe, `onDoubt(false)` the next frame; the two alternate, and
 *    at most one probe is outstanding.
 * 6. After `onLost()` the owner calls `stop()`. Callbacks may call `stop()` at any time; no
 *    callback and no timer follows it.
 */

import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
import { Heartbeat } from "./heartbeat.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

/**
 * @typedef {object} WatchdogCallbacks
 * @property {() => void} sendPing any frame counts as its answer
 * @property {(doubting: boolean) => void} onDoubt true: a probe is unanswered; false: no longer
 * @property {() => void} onLost the connection is dead: stop the watchdog
 */

// On a fast connection the two add up to the 3 s in which a dead connection is detected after a
// wake: a clock jump is seen within CHECK_MS, the answer to the probe may take PROBE_MS.
const CHECK_MS = 1000;
const PROBE_MS = 2000;
const LATE_MS = 1500; // hidden tabs round timers up to whole seconds: that is not late yet

export class Watchdog {
  #heartbeat;
  #environment;
  #callbacks;
  #timeouts;
  #halfPongTimeout;
  #timer;
  #tolerance;
  #timerSetAt = 0;
  #timerDue = { now: 0, wall: 0 };
  #lastFrameAt = 0;
  #answerDue = Infinity;
  #quietPingDue = Infinity;
  #doubting = false;
  #excused = false;
  #stopped = false;

  /**
   * @param {{ping_interval: number, pong_timeout: number}} welcome the server's values, ms
   * @param {Environment} environment
   * @param {WatchdogCallbacks} callbacks
   * @param {AdaptiveTimeouts} [timeouts]
   */
  constructor(welcome, environment, callbacks, timeouts = new AdaptiveTimeouts()) {
    this.#halfPongTimeout = welcome.pong_timeout / 2;
    const policy = {
      pingInterval: (welcome.ping_interval + this.#halfPongTimeout) / 1000,
      pongTimeout: this.#halfPongTimeout / 1000,
      maxMissed: 1,
      sessionTimeout: Infinity,
      idleOnly: true,
    };
    this.#environment = environment;
    this.#callbacks = callbacks;
    this.#timeouts = timeouts;
    this.#timer = new Timer(environment);
    this.#tolerance = Math.min(LATE_MS, this.#halfPongTimeout);
    this.#heartbeat = new Heartbeat(policy, this.#seconds);
    this.#lastFrameAt = environment.now();
    this.#setTimer();
  }

  get #seconds() {
    return this.#environment.now() / 1000;
  }

  /** A frame of any kind has arrived. */
  onFrame() {
    this.#lastFrameAt = this.#environment.now();
    this.#heartbeat.traffic(this.#seconds);
    this.#answerDue = this.#quietPingDue = Infinity;
    this.#excused = false;
    if (!this.#doubting) return;
    this.#doubting = false;
    this.#callbacks.onDoubt(false);
  }

  /**
   * Ping now; without a frame the connection is lost after 2 s, later on a slow one. Does nothing
   * while a probe is outstanding.
   */
  probe() {
    if (this.#doubting) return;
    this.#answerDue = this.#quietPingDue = Infinity;
    this.#adaptPongTimeout();
    const within = this.#timeouts.answerMs(PROBE_MS) / 1000;
    this.#perform(this.#heartbeat.probe(this.#seconds, { within }));
    this.#setTimer(); // again: a timer that is late already must not excuse this probe
  }

  /**
   * The client sent something that the server answers. Without a frame for the time of a probe,
   * the watchdog probes; after half of it, it sends a ping without doubt, because a healthy
   * server may not have an answer yet.
   */
  expectAnswer() {
    if (this.#doubting || this.#answerDue < Infinity) return;
    const within = this.#timeouts.answerMs(PROBE_MS);
    this.#answerDue = this.#environment.now() + within;
    this.#quietPingDue = this.#answerDue - within / 2;
  }

  stop() {
    this.#stopped = true;
    this.#timer.clear();
  }

  #setTimer() {
    if (this.#stopped) return; // by a callback
    const { now, wall } = this.#environment;
    const due = Math.min(this.#heartbeat.due * 1000, this.#answerDue, this.#quietPingDue);
    const wait = Math.ceil(Math.max(0, Math.min(CHECK_MS, due - now())));
    this.#timerSetAt = now();
    this.#timerDue = { now: now() + wait, wall: wall() + wait };
    this.#timer.set(wait, () => this.#onTimer());
  }

  #onTimer() {
    const late = this.#lateness();
    if (late > this.#tolerance && !this.#ignoresLateness) this.#excuseStandstill();
    else this.#check(late);
    this.#setTimer();
  }

  /** By the clock that advanced more: the monotonic one may have slept. */
  #lateness() {
    const { now, wall } = this.#environment;
    return Math.max(now() - this.#timerDue.now, wall() - this.#timerDue.wall);
  }

  /** Invariants 2 and 3: one standstill is excused already, or only timers are delayed. */
  get #ignoresLateness() {
    return this.#excused || this.#lastFrameAt >= this.#timerDue.now;
  }

  #excuseStandstill() {
    this.#excused = true;
    // By all the time since the timer was set: an outstanding probe gets back the whole wait it
    // had then, or frames queued behind the late timer would come too late for it.
    this.#heartbeat.excuse((this.#environment.now() - this.#timerSetAt) / 1000);
    this.probe();
  }

  /** @param {number} late ms */
  #check(late) {
    if (late <= this.#tolerance) this.#excused = false;
    this.#adaptPongTimeout();
    this.#perform(this.#heartbeat.tick(this.#seconds));
    if (!this.#stopped) this.#checkExpectedAnswer();
  }

  #checkExpectedAnswer() {
    const now = this.#environment.now();
    if (now >= this.#answerDue) return this.probe();
    if (now < this.#quietPingDue) return;
    this.#quietPingDue = Infinity;
    this.#callbacks.sendPing();
  }

  /** Apply the newest measured round trip to pings from now on. */
  #adaptPongTimeout() {
    const pongTimeout = this.#timeouts.answerMs(this.#halfPongTimeout) / 1000;
    this.#heartbeat.adapt({ pongTimeout });
  }

  /** @param {import("./heartbeat.js").SendPing | import("./heartbeat.js").Dead | null} action */
  #perform(action) {
    if (action?.type === "dead") this.#callbacks.onLost();
    if (action?.type !== "ping") return;
    this.#doubting = true;
    this.#callbacks.sendPing();
    if (!this.#stopped) this.#callbacks.onDoubt(true);
  }
}
