/**
 * Judges the line: lost when nothing arrived for ping_interval + pong_timeout.
 *
 * A heartbeat that pings only an idle line does the judging. What is added here
 * is the doubt about our own timers. Browsers hold back the timers of hidden tabs
 * (Chrome: to one a minute), and a sleeping device runs none; frames that came
 * meanwhile may still be waiting behind the late timer. So a timer that is late
 * condemns nobody: it excuses the standstill and asks the server for a sign of life.
 */

import { Alarm } from "./alarm.js";
import { Heartbeat } from "./heartbeat.js";

/** @typedef {import("./environment.js").Environment} Environment */

/**
 * @typedef {object} WatchdogOwner
 * @property {() => void} probe send a ping: any frame will do as its answer
 * @property {(doubting: boolean) => void} doubt a probe is unanswered, or no longer
 * @property {() => void} lost nothing more will come: stop the watchdog
 */

// Together the 3 s within which a dead line is left after a wake: how soon a clock jump is
// seen (a timer's rest stands still in sleep), and the wait for the answer to the probe.
const LOOK_MS = 1000;
const PROBE_S = 2;
const LATE_MS = 1500; // hidden tabs round timers up to whole seconds: that is not late yet

export class Watchdog {
  #heartbeat;
  #environment;
  #owner;
  #alarm;
  #tolerance;
  #armedAt = 0;
  #expected = { now: 0, wall: 0 };
  #heardAt = 0;
  #doubting = false;
  #excused = false;
  #stopped = false;

  /**
   * @param {{ping_interval: number, pong_timeout: number}} welcome the server's numbers, ms
   * @param {Environment} environment
   * @param {WatchdogOwner} owner
   */
  constructor(welcome, environment, owner) {
    const half = welcome.pong_timeout / 2000;
    const policy = {
      pingInterval: welcome.ping_interval / 1000 + half,
      pongTimeout: half,
      maxMissed: 1,
      sessionTimeout: Infinity,
      idleOnly: true,
    };
    this.#environment = environment;
    this.#owner = owner;
    this.#alarm = new Alarm(environment);
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
    this.#excused = false;
    if (!this.#doubting) return;
    this.#doubting = false;
    this.#owner.doubt(false);
  }

  /** Ask for a sign of life now and wait for it 2 s; nothing if it was asked for already. */
  probe() {
    if (this.#doubting) return;
    this.#act(this.#heartbeat.probe(this.#seconds, { within: PROBE_S }));
    this.#arm(); // anew: a timer that is late by now must not excuse this probe as well
  }

  stop() {
    this.#stopped = true;
    this.#alarm.clear();
  }

  #arm() {
    if (this.#stopped) return; // the owner was told something and let us go
    const { now, wall } = this.#environment;
    const wait = Math.ceil(Math.max(0, Math.min(LOOK_MS, this.#heartbeat.due * 1000 - now())));
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
    this.#act(this.#heartbeat.tick(this.#seconds));
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
