import assert from "node:assert/strict";
import { test } from "node:test";

import { Watchdog } from "../../realtime/static/realtime/watchdog.js";
import { Browser } from "./browser.js";

/** A watchdog with the default numbers: it probes after 30 s of silence, gives up after 35. */
function watch() {
  const browser = new Browser();
  /** @type {string[]} */
  const calls = [];
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    {
      sendPing: () => calls.push("probe"),
      onDoubt: (doubting) => calls.push(doubting ? "doubt" : "life"),
      onLost: () => {
        calls.push("lost");
        watchdog.stop();
      },
    },
  );
  return { browser, watchdog, calls };
}

test("an idle line is asked after P + T/2 and lost after P + T", () => {
  const { browser, calls } = watch();
  browser.advance(29_999);
  assert.deepEqual(calls, []);
  browser.advance(1);
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advance(4999);
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advance(1);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
  assert.equal(browser.timers, 0);
});

test("any frame ends the doubt", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(34_000);
  watchdog.onFrame();
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
  browser.advance(29_999);
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
});

test("a line with traffic is never asked", () => {
  const { browser, watchdog, calls } = watch();
  for (let beat = 0; beat < 100; beat += 1) {
    browser.advance(25_000);
    watchdog.onFrame();
  }
  assert.deepEqual(calls, []);
});

test("a probe out of turn waits two seconds", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(5000);
  watchdog.probe();
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advance(1999);
  assert.equal(calls.includes("lost"), false);
  browser.advance(1);
  assert.equal(calls.at(-1), "lost");
});

test("at most one probe is outstanding", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(30_000);
  watchdog.probe();
  watchdog.probe();
  assert.deepEqual(calls, ["probe", "doubt"]);
});

test("a sleep with a standing clock is seen within a second of the wake", () => {
  const { browser, calls } = watch();
  browser.advance(10_000);
  browser.sleep(3_600_000);
  browser.advance(1000);
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advance(2000);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
});

test("a stop with a running clock is asked about, not condemned", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(10_000);
  browser.stall(90_000);
  browser.advance(0);
  assert.deepEqual(calls, ["probe", "doubt"]);
  watchdog.onFrame();
  browser.advance(10_000);
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
});

test("a stop while a probe is out extends its time", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(31_000);
  browser.stall(90_000);
  browser.advance(100);
  assert.deepEqual(calls, ["probe", "doubt"]);
  watchdog.onFrame();
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
});

test("a probe just sent is not excused by the timer that the standstill delayed", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(10_000);
  browser.stall(600_000);
  watchdog.probe();
  browser.advance(2000);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
});

test("a throttled tab with server beats is left alone for ten minutes", () => {
  const { browser, watchdog, calls } = watch();
  for (let minute = 0; minute < 10; minute += 1) {
    browser.stall(25_000);
    watchdog.onFrame();
    browser.stall(25_000);
    watchdog.onFrame();
    browser.advanceThrottled(10_000);
  }
  assert.deepEqual(calls, []);
});

test("a throttled tab on a quiet line asks each minute and believes the answer", () => {
  const { browser, watchdog, calls } = watch();
  for (let minute = 0; minute < 10; minute += 1) {
    browser.advanceThrottled(60_000);
    watchdog.onFrame();
  }
  assert.equal(calls.includes("lost"), false);
  assert.equal(calls.filter((word) => word === "probe").length, 10);
});

test("the dead line of a throttled tab is not excused for ever", () => {
  const { browser, calls } = watch();
  browser.advanceThrottled(60_000);
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advanceThrottled(60_000);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
});

test("a second sleep soon after the first is excused too", () => {
  const { browser, calls } = watch();
  browser.stall(3_600_000);
  browser.advance(1500);
  browser.stall(3_600_000);
  browser.advance(100);
  assert.deepEqual(calls, ["probe", "doubt"]);
});

test("after each sleep it asks anew", () => {
  const { browser, watchdog, calls } = watch();
  browser.stall(60_000);
  browser.advance(0);
  watchdog.onFrame();
  browser.sleep(3_600_000);
  browser.advance(1000);
  assert.deepEqual(calls, ["probe", "doubt", "life", "probe", "doubt"]);
});

test("a stop is a stop, even if the wall clock was set back meanwhile", () => {
  const { browser, calls } = watch();
  browser.advance(31_000);
  browser.stall(90_000);
  browser.sleep(-90_000);
  browser.advance(0);
  assert.deepEqual(calls, ["probe", "doubt"]);
});

test("a wall clock set back changes nothing", () => {
  const { browser, calls } = watch();
  browser.sleep(-3_600_000);
  browser.advance(29_999);
  assert.deepEqual(calls, []);
});

test("stopped by its owner while it tells of a doubt, it sets no timer again", () => {
  const browser = new Browser();
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    {
      sendPing: () => {},
      onDoubt: () => watchdog.stop(),
      onLost: () => assert.fail("it was stopped"),
    },
  );
  browser.advance(60_000);
  assert.equal(browser.timers, 0);
});
