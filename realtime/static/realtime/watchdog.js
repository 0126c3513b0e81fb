/**
 * Judges the line: lost when nothing arrived for ping_interval + pong_timeout.
 *
 * A heartbeat that pings only an idle line does the judging. What is added here
 * is the doubt about our own timers. Browsers hold back the timers of hidden tabs
 * (Chrome: to one a minute), and a sleeping device runs none; frames that came
 * meanwhile may still be waiting behind the late timer. So a timer that is late
 * condemns nobody: it excuses the standstill and asks the server for a sign of life.
 */

import { AdaptiveTimeouts } from "./adaptive_timeouts.js";
import { Heartbeat } from "./heartbeat.js";
import { Timer } from "./timer.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */

/**
 * @typedef {object} WatchdogCallbacks
 * @property {() => void} probe send a ping: any frame will do as its answer
 * @property {(doubting: boolean) => void} doubt a probe is unanswered, or no longer
 * @property {() => void} lost nothing more will come: stop the watchdog
 */

// Together, on a quick line, the 3 s within which a dead line is left after a wake: how soon a clock jump is
// seen (a timer's rest stands still in sleep), and the wait for the answer to the probe.
const LOOK_MS = 1000;
const PROBE_MS = 2000;
const LATE_MS = 1500; // hidden tabs round timers up to whole seconds: that is not late yet

export class Watchdog {
  #heartbeat;
  #environment;
  #owner;
  #patience;
  #half;
  #alarm;
  #tolerance;
  #armedAt = 0;
  #expected = { now: 0, wall: 0 };
  #heardAt = 0;
  #answerDue = Infinity;
  #askDue = Infinity;
  #doubting = false;
  #excused = false;
  #stopped = false;

  /**
   * @param {{ping_interval: number, pong_timeout: number}} welcome the server's numbers, ms
   * @param {Environment} environment
   * @param {WatchdogCallbacks} owner
   * @param {AdaptiveTimeouts} [patience] what is known of the line
   */
  constructor(welcome, environment, owner, patience = new AdaptiveTimeouts()) {
    this.#half = welcome.pong_timeout / 2;
    const policy = {
      pingInterval: (welcome.ping_interval + this.#half) / 1000,
      pongTimeout: this.#half / 1000,
      maxMissed: 1,
      sessionTimeout: Infinity,
      idleOnly: true,
    };
    this.#environment = environment;
    this.#owner = owner;
    this.#patience = patience;
    this.#alarm = new Timer(environment);
    this.#tolerance = Math.min(LATE_MS, welcome.pong_timeout / 2);
    this.#heartbeat = new Heartbeat(policy, this.#seconds);
    this.#heardAt = environment.now();
    this.#arm();
  }

  get #seconds() {
    return this.#environment.now() / 1000;
  }

  /** A frame has come, whatever it says. */
  heard() {
    this.#heardAt = this.#environment.now();
    this.#heartbeat.traffic(this.#seconds);
    this.#answerDue = this.#askDue = Infinity;
    this.#excused = false;
    if (!this.#doubting) return;
    this.#doubting = false;
    this.#owner.doubt(false);
  }

  /**
   * Ask for a sign of life now and wait for it: 2 s, longer on a slow line. Nothing if it was
   * asked for already.
   */
  probe() {
    if (this.#doubting) return;
    this.#answerDue = this.#askDue = Infinity;
    this.#adapt();
    const within = this.#patience.answer(PROBE_MS) / 1000;
    this.#act(this.#heartbeat.probe(this.#seconds, { within }));
    this.#arm(); // anew: a timer that is late by now must not excuse this probe as well
  }

  /**
   * The server has something to answer, or to take: if it is silent as long as a probe, it is
   * probed. Half-way it is asked without alarm, for it may be well and have nothing to say yet.
   */
  expect() {
    if (this.#doubting || this.#answerDue < Infinity) return;
    const within = this.#patience.answer(PROBE_MS);
    this.#answerDue = this.#environment.now() + within;
    this.#askDue = this.#answerDue - within / 2;
  }

  stop() {
    this.#stopped = true;
    this.#alarm.clear();
  }

  #arm() {
    if (this.#stopped) return; // the owner was told something and let us go
    const { now, wall } = this.#environment;
    const due = Math.min(this.#heartbeat.due * 1000, this.#answerDue, this.#askDue);
    const wait = Math.ceil(Math.max(0, Math.min(LOOK_MS, due - now())));
    this.#armedAt = now();
    this.#expected = { now: now() + wait, wall: wall() + wait };
    this.#alarm.set(wait, () => this.#look());
  }

  #look() {
    const late = this.#lateness();
    if (late > this.#tolerance && !this.#trusted) this.#excuse();
    else this.#judge(late);
    this.#arm();
  }

  /** By either clock: the monotonic one may have slept, the wall clock may have been set. */
  #lateness() {
    const { now, wall } = this.#environment;
    return Math.max(now() - this.#expected.now, wall() - this.#expected.wall);
  }

  /**
   * A late timer is no standstill if a frame was heard after it was due: then only
   * timers are held back. And one standstill is excused until a timer is punctual
   * or a frame comes, or the dead line of a throttled tab would be excused for ever.
   */
  get #trusted() {
    return this.#excused || this.#heardAt >= this.#expected.now;
  }

  #excuse() {
    this.#excused = true;
    // All since the timer was set, not since it was due: a probe that was out has the wait
    // again that it had then, or frames behind the late timer would come too late for it.
    this.#heartbeat.excuse((this.#environment.now() - this.#armedAt) / 1000);
    this.probe();
  }

  /** @param {number} late */
  #judge(late) {
    if (late <= this.#tolerance) this.#excused = false;
    this.#adapt();
    this.#act(this.#heartbeat.tick(this.#seconds));
    if (!this.#stopped) this.#inquire();
  }

  #inquire() {
    const now = this.#environment.now();
    if (now >= this.#answerDue) return this.probe();
    if (now < this.#askDue) return;
    this.#askDue = Infinity;
    this.#owner.probe();
  }

  /** What was measured since the last look counts for the pings that go from now on. */
  #adapt() {
    this.#heartbeat.adapt({ pongTimeout: this.#patience.answer(this.#half) / 1000 });
  }

  /** @param {import("./heartbeat.js").SendPing | import("./heartbeat.js").Dead | null} action */
  #act(action) {
    if (action?.type === "dead") this.#owner.lost();
    if (action?.type !== "ping") return;
    this.#doubting = true;
    this.#owner.probe();
    if (!this.#stopped) this.#owner.doubt(true);
  }
}
