import assert from "node:assert/strict";
import { test } from "node:test";

import { Timer } from "../../realtime/js/timer.js";
import { Browser } from "./browser.js";

/** A timer, and a callback that counts its calls. */
function setUp() {
  const browser = new Browser();
  const calls = { count: 0 };
  const callback = () => {
    calls.count += 1;
  };
  return { browser, calls, callback, timer: new Timer(browser.environment) };
}

test("calls back once, and is pending until then", () => {
  const { browser, calls, timer, callback } = setUp();
  timer.set(10, callback);
  browser.advance(9);
  assert.deepEqual([calls.count, timer.pending], [0, true]);
  browser.advance(1);
  assert.deepEqual([calls.count, timer.pending], [1, false]);
  browser.advance(100);
  assert.equal(calls.count, 1);
});

test("setting it again replaces the first time", () => {
  const { browser, calls, timer, callback } = setUp();
  timer.set(10, callback);
  timer.set(50, callback);
  browser.advance(49);
  assert.equal(calls.count, 0);
  browser.advance(1);
  assert.equal(calls.count, 1);
});

test("does not call back after clear()", () => {
  const { browser, calls, timer, callback } = setUp();
  timer.set(10, callback);
  timer.clear();
  browser.advance(100);
  assert.deepEqual([calls.count, timer.pending], [0, false]);
});

test("can be set again by its callback", () => {
  const { browser, calls, timer, callback } = setUp();
  timer.set(10, () => timer.set(10, callback));
  browser.advance(20);
  assert.equal(calls.count, 1);
});
