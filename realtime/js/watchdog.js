/**
 * Decides whether the connection is alive: lost after ping_interval + pong_timeout of silence.
 *
 * It pings an idle server and waits for any frame. Timers of browsers need care: hidden tabs delay
 * them (Chrome: to one a minute), a sleeping device runs none, and frames that arrived meanwhile
 * may be queued behind the late timer.
 *
 * Invariants:
 *
 * 1. One timer is set until `stop()`, for at most CHECK_MS. Every run of it sets it again.
 * 2. A timer that is late by more than the tolerance declares nothing lost. It gives a probe back
 *    the time of the standstill, or probes the server. The next timer, if it is late as well and
 *    no frame came in between, counts: a dead connection of a throttled tab is lost with it.
 * 3. A timer is not a standstill if a frame arrived after the timer was due.
 * 4. Any frame ends the doubt and the expectation of an answer.
 * 5. `onDoubt(true)` follows each probe, `onDoubt(false)` the next frame; the two alternate, and
 *    at most one probe and one ping are outstanding.
 * 6. After `onLost()` the owner calls `stop()`. Callbacks may call `stop()` at any time; no
 *    callback and no timer follows it.
 */

import { Timer } from "./timer.js";

/**
 * @typedef {object} Line
 * @property {(frame: Record<string, any>) => void} send
 * @property {() => void} onLost the connection is dead: stop the watchdog
 */
/** @typedef {Pick<import("./connection.js").ConnectionOwner, "onLatency" | "onDoubt">} Owner */

// On a fast connection the two add up to the 3 s in which a dead connection is detected after a
// wake: a clock jump is seen within CHECK_MS, the answer to the probe may take PROBE_MS.
const CHECK_MS = 1000;
const PROBE_MS = 2000;
const LATE_MS = 1500; // hidden tabs round timers up to whole seconds: that is not late yet

export class Watchdog {
  #environment;
  #timeouts;
  #line;
  #owner;
  #pongTimeout;
  #halfPongTimeout;
  #idleMs;
  #timer;
  #lastFrameAt = 0;
  /** When to probe a server that sends nothing, by the monotonic clock, ms; infinity: not. */
  #idleDue = 0;
  /** When to probe a server that owes an answer, and when to ping it first without doubt. */
  #answerDue = Infinity;
  #quietPingDue = Infinity;
  /** When the connection is lost; infinity: no probe is unanswered. */
  #lossDue = Infinity;
  /** When the ping is missed; infinity: no ping is outstanding. */
  #pongDue = Infinity;
  #sequence = 0;
  #sentAt = 0;
  /** @type {Promise<number | string> | undefined} the latency of the newest ping, or why there is none */
  #pong;
  /** Resolves it. */
  #settle = (/** @type {number | string} */ _result) => {};
  #stopped = false;

  /**
   * @param {{ping_interval: number, pong_timeout: number}} welcome the server's values, ms
   * @param {import("./browser_environment.js").Environment} environment
   * @param {import("./adaptive_timeouts.js").AdaptiveTimeouts} timeouts
   * @param {Line} line
   * @param {Owner} owner
   */
  constructor({ ping_interval, pong_timeout }, environment, timeouts, line, owner) {
    this.#environment = environment;
    this.#timeouts = timeouts;
    this.#line = line;
    this.#owner = owner;
    this.#pongTimeout = pong_timeout;
    this.#halfPongTimeout = pong_timeout / 2;
    this.#idleMs = ping_interval + this.#halfPongTimeout;
    this.#timer = new Timer(environment);
    this.onFrame();
    this.#setTimer();
  }

  /** A frame of any kind has arrived. */
  onFrame() {
    const wasDoubting = this.#lossDue < Infinity;
    this.#lastFrameAt = this.#environment.now();
    this.#idleDue = this.#lastFrameAt + this.#idleMs;
    this.#answerDue = this.#quietPingDue = this.#lossDue = Infinity;
    if (wasDoubting) this.#owner.onDoubt(false);
  }

  /** @param {number} sequence of the ping that it answers */
  onPong(sequence) {
    if (this.#pongDue === Infinity || sequence !== this.#sequence) return;
    const latency = this.#environment.now() - this.#sentAt;
    this.#pongDue = Infinity;
    this.#settle(latency);
    this.#timeouts.onLatency(latency);
    this.#owner.onLatency(latency);
  }

  /**
   * Ping now; without a frame the connection is lost after 2 s, later on a slow one. Does nothing
   * while a probe is outstanding.
   */
  probe() {
    this.#doubt(this.#environment.now(), Math.min(PROBE_MS, this.#halfPongTimeout));
  }

  /** A frame that the server answers was sent: without a frame, ping soon, and then doubt. */
  expectAnswer() {
    if (Math.min(this.#answerDue, this.#lossDue) < Infinity) return;
    const within = this.#timeouts.answerMs(PROBE_MS);
    this.#answerDue = this.#environment.now() + within;
    this.#quietPingDue = this.#answerDue - within / 2;
  }

  /**
   * Ping without doubt, unless a ping is outstanding.
   * @returns {Promise<number | string>} its latency, ms, or why there is none
   */
  ping() {
    if (this.#pong && this.#pongDue < Infinity) return this.#pong;
    const pong = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#pong = pong;
    this.#sentAt = this.#environment.now();
    this.#pongDue = this.#sentAt + this.#timeouts.answerMs(this.#pongTimeout);
    this.#sequence += 1;
    const client_time = this.#environment.wall();
    this.#line.send({ type: "ping", sequence: this.#sequence, client_time });
    return pong;
  }

  stop() {
    this.#stopped = true;
    this.#timer.clear();
    this.#settle("the connection has ended");
  }

  /** @param {boolean} [wasLate] the timer before was a standstill, and no frame has come since */
  #setTimer(wasLate) {
    if (this.#stopped) return; // by a callback
    const { now, wall } = this.#environment;
    const [start, wallStart] = [now(), wall()];
    const probeDue = Math.min(this.#idleDue, this.#answerDue, this.#quietPingDue);
    const due = Math.min(start + CHECK_MS, probeDue, this.#lossDue, this.#pongDue);
    const wait = Math.ceil(Math.max(0, due - start));
    this.#timer.set(wait, () => {
      // By the clock that advanced more: the monotonic one may have slept.
      const late = Math.max(now() - start, wall() - wallStart) - wait;
      const isStandstill =
        late > Math.min(LATE_MS, this.#halfPongTimeout) && this.#lastFrameAt < start + wait;
      if (isStandstill && !(wasLate && this.#lastFrameAt < start)) this.#excuse(now() - start);
      else this.#check(now());
      this.#setTimer(isStandstill);
    });
  }

  /** @param {number} elapsed ms since the timer was set: frames may be queued behind it */
  #excuse(elapsed) {
    this.#lossDue += elapsed; // a probe gets back the whole wait that it had then
    this.probe();
  }

  /** @param {number} now */
  #check(now) {
    if (now >= this.#pongDue) {
      this.#pongDue = Infinity;
      this.#settle("no answer in time");
      this.#owner.onLatency(null);
    }
    if (this.#stopped) return;
    if (now >= this.#lossDue) this.#line.onLost();
    else if (now >= this.#idleDue) this.#doubt(this.#idleDue, this.#halfPongTimeout);
    else if (now >= this.#answerDue) this.probe();
    else if (now >= this.#quietPingDue) {
      this.#quietPingDue = Infinity;
      this.ping();
    }
  }

  /**
   * @param {number} since ms
   * @param {number} least ms, of the wait for an answer on a fast line
   */
  #doubt(since, least) {
    if (this.#lossDue < Infinity) return;
    this.#idleDue = this.#answerDue = this.#quietPingDue = Infinity;
    this.#lossDue = since + this.#timeouts.answerMs(least);
    this.ping();
    if (!this.#stopped) this.#owner.onDoubt(true);
    this.#setTimer(); // again: a timer that is late already must not excuse this probe
  }
}
