import assert from "node:assert/strict";
import { test } from "node:test";

import { Watchdog } from "../../realtime/static/realtime/watchdog.js";
import { Browser } from "./browser.js";

/** A watchdog with the default numbers: it probes after 30 s of silence, gives up after 35. */
function watch() {
  const browser = new Browser();
  /** @type {string[]} */
  const told = [];
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    {
      probe: () => told.push("probe"),
      doubt: (doubting) => told.push(doubting ? "doubt" : "life"),
      lost: () => {
        told.push("lost");
        watchdog.stop();
      },
    },
  );
  return { browser, watchdog, told };
}

test("an idle line is asked after P + T/2 and lost after P + T", () => {
  const { browser, told } = watch();
  browser.pass(29_999);
  assert.deepEqual(told, []);
  browser.pass(1);
  assert.deepEqual(told, ["probe", "doubt"]);
  browser.pass(4999);
  assert.deepEqual(told, ["probe", "doubt"]);
  browser.pass(1);
  assert.deepEqual(told, ["probe", "doubt", "lost"]);
  assert.equal(browser.timers, 0);
});

test("any frame ends the doubt", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(34_000);
  watchdog.heard();
  assert.deepEqual(told, ["probe", "doubt", "life"]);
  browser.pass(29_999);
  assert.deepEqual(told, ["probe", "doubt", "life"]);
});

test("a line with traffic is never asked", () => {
  const { browser, watchdog, told } = watch();
  for (let beat = 0; beat < 100; beat += 1) {
    browser.pass(25_000);
    watchdog.heard();
  }
  assert.deepEqual(told, []);
});

test("a probe out of turn waits two seconds", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(5000);
  watchdog.probe();
  assert.deepEqual(told, ["probe", "doubt"]);
  browser.pass(1999);
  assert.equal(told.includes("lost"), false);
  browser.pass(1);
  assert.equal(told.at(-1), "lost");
});

test("at most one probe is outstanding", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(30_000);
  watchdog.probe();
  watchdog.probe();
  assert.deepEqual(told, ["probe", "doubt"]);
});

test("a sleep with a standing clock is seen within a second of the wake", () => {
  const { browser, told } = watch();
  browser.pass(10_000);
  browser.sleep(3_600_000);
  browser.pass(1000);
  assert.deepEqual(told, ["probe", "doubt"]);
  browser.pass(2000);
  assert.deepEqual(told, ["probe", "doubt", "lost"]);
});

test("a stop with a running clock is asked about, not condemned", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(10_000);
  browser.stall(90_000);
  browser.pass(0);
  assert.deepEqual(told, ["probe", "doubt"]);
  watchdog.heard();
  browser.pass(10_000);
  assert.deepEqual(told, ["probe", "doubt", "life"]);
});

test("a stop while a probe is out extends its time", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(31_000);
  browser.stall(90_000);
  browser.pass(100);
  assert.deepEqual(told, ["probe", "doubt"]);
  watchdog.heard();
  assert.deepEqual(told, ["probe", "doubt", "life"]);
});

test("a probe just sent is not excused by the timer that the standstill delayed", () => {
  const { browser, watchdog, told } = watch();
  browser.pass(10_000);
  browser.stall(600_000);
  watchdog.probe();
  browser.pass(2000);
  assert.deepEqual(told, ["probe", "doubt", "lost"]);
});

test("a throttled tab with server beats is left alone for ten minutes", () => {
  const { browser, watchdog, told } = watch();
  for (let minute = 0; minute < 10; minute += 1) {
    browser.stall(25_000);
    watchdog.heard();
    browser.stall(25_000);
    watchdog.heard();
    browser.passThrottled(10_000);
  }
  assert.deepEqual(told, []);
});

test("a throttled tab on a quiet line asks each minute and believes the answer", () => {
  const { browser, watchdog, told } = watch();
  for (let minute = 0; minute < 10; minute += 1) {
    browser.passThrottled(60_000);
    watchdog.heard();
  }
  assert.equal(told.includes("lost"), false);
  assert.equal(told.filter((word) => word === "probe").length, 10);
});

test("the dead line of a throttled tab is not excused for ever", () => {
  const { browser, told } = watch();
  browser.passThrottled(60_000);
  assert.deepEqual(told, ["probe", "doubt"]);
  browser.passThrottled(60_000);
  assert.deepEqual(told, ["probe", "doubt", "lost"]);
});

test("a second sleep soon after the first is excused too", () => {
  const { browser, told } = watch();
  browser.stall(3_600_000);
  browser.pass(1500);
  browser.stall(3_600_000);
  browser.pass(100);
  assert.deepEqual(told, ["probe", "doubt"]);
});

test("after each sleep it asks anew", () => {
  const { browser, watchdog, told } = watch();
  browser.stall(60_000);
  browser.pass(0);
  watchdog.heard();
  browser.sleep(3_600_000);
  browser.pass(1000);
  assert.deepEqual(told, ["probe", "doubt", "life", "probe", "doubt"]);
});

test("a stop is a stop, even if the wall clock was set back meanwhile", () => {
  const { browser, told } = watch();
  browser.pass(31_000);
  browser.stall(90_000);
  browser.sleep(-90_000);
  browser.pass(0);
  assert.deepEqual(told, ["probe", "doubt"]);
});

test("a wall clock set back changes nothing", () => {
  const { browser, told } = watch();
  browser.sleep(-3_600_000);
  browser.pass(29_999);
  assert.deepEqual(told, []);
});

test("stopped by its owner while it tells of a doubt, it sets no timer again", () => {
  const browser = new Browser();
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    { probe: () => {}, doubt: () => watchdog.stop(), lost: () => assert.fail("it was stopped") },
  );
  browser.pass(60_000);
  assert.equal(browser.timers, 0);
});
