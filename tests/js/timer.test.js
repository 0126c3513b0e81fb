import assert from "node:assert/strict";
import { test } from "node:test";

import { Timer } from "../../realtime/static/realtime/timer.js";
import { Browser } from "./browser.js";

/** An alarm, and how often it rang. */
function setUp() {
  const browser = new Browser();
  const rung = { times: 0 };
  const ring = () => {
    rung.times += 1;
  };
  return { browser, rung, ring, alarm: new Timer(browser.environment) };
}

test("it rings once, and is pending until then", () => {
  const { browser, rung, alarm, ring } = setUp();
  alarm.set(10, ring);
  browser.pass(9);
  assert.deepEqual([rung.times, alarm.pending], [0, true]);
  browser.pass(1);
  assert.deepEqual([rung.times, alarm.pending], [1, false]);
  browser.pass(100);
  assert.equal(rung.times, 1);
});

test("set again, it forgets the first time", () => {
  const { browser, rung, alarm, ring } = setUp();
  alarm.set(10, ring);
  alarm.set(50, ring);
  browser.pass(49);
  assert.equal(rung.times, 0);
  browser.pass(1);
  assert.equal(rung.times, 1);
});

test("cleared, it does not ring", () => {
  const { browser, rung, alarm, ring } = setUp();
  alarm.set(10, ring);
  alarm.clear();
  browser.pass(100);
  assert.deepEqual([rung.times, alarm.pending], [0, false]);
});

test("it may be set again while it rings", () => {
  const { browser, rung, alarm, ring } = setUp();
  alarm.set(10, () => alarm.set(10, ring));
  browser.pass(20);
  assert.equal(rung.times, 1);
});
