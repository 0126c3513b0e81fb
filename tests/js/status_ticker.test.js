import assert from "node:assert/strict";
import { test } from "node:test";

import { Ticker } from "../../realtime/js/status/ticker.js";
import { Browser } from "./browser.js";

test("all listeners share one timer; without listeners there is none", () => {
  const browser = new Browser();
  const ticker = new Ticker(browser.environment);
  assert.equal(browser.timers, 0);
  let ticks = 0;
  const listeners = [1, 2, 3].map(() => () => {
    ticks += 1;
  });
  for (const listener of [...listeners, ...listeners]) ticker.add(listener);
  assert.equal(browser.timers, 1);
  browser.advance(2000);
  assert.equal(ticks, 6);
  assert.equal(browser.timers, 1);
  for (const listener of listeners) ticker.delete(listener);
  assert.equal(browser.timers, 0);
  assert.equal(ticker.running, false);
});

test("it ticks at full seconds of the wall clock", () => {
  const browser = new Browser();
  browser.advance(300);
  /** @type {number[]} */
  const ticks = [];
  new Ticker(browser.environment).add(() => ticks.push(browser.wall % 1000));
  browser.advance(2000);
  assert.deepEqual(ticks, [0, 0]);
});

test("a listener may remove itself during a tick", () => {
  const browser = new Browser();
  const ticker = new Ticker(browser.environment);
  const leave = () => ticker.delete(leave);
  ticker.add(leave);
  browser.advance(3000);
  assert.equal(browser.timers, 0);
});
