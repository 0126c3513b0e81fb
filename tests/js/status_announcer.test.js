import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../../realtime/js/status/announcer.js";
import { Ticker } from "../../realtime/js/status/ticker.js";
import { Browser } from "./browser.js";

/** An announcer, and the states that it announced. */
function setUp() {
  const browser = new Browser();
  /** @type {string[]} */
  const announced = [];
  const ticker = new Ticker(browser.environment);
  const announcer = new Announcer(
    ticker,
    () => browser.now,
    (state) => announced.push(state),
  );
  return { browser, announcer, announced };
}

test("a page that loads and connects announces nothing", () => {
  const { browser, announcer, announced } = setUp();
  announcer.update("connecting");
  browser.advance(900);
  announcer.update("connected");
  browser.advance(10_000);
  assert.deepEqual(announced, []);
  assert.equal(browser.timers, 0);
});

test("fifty attempts are one announcement, the return another", () => {
  const { browser, announcer, announced } = setUp();
  announcer.update("unstable");
  browser.advance(1000);
  for (let attempt = 0; attempt < 50; attempt += 1) {
    announcer.update("connecting");
    browser.advance(1000);
  }
  announcer.update("connected");
  browser.advance(3000);
  assert.deepEqual(announced, ["connecting", "connected"]);
});

test("a state is announced after 1.5 s", () => {
  const { browser, announcer, announced } = setUp();
  browser.advance(400);
  announcer.update("error");
  browser.advance(1499);
  assert.deepEqual(announced, []);
  browser.advance(1101);
  assert.deepEqual(announced, ["error"]);
});

test("degraded is announced, and its end", () => {
  const { browser, announcer, announced } = setUp();
  for (const state of /** @type {const} */ (["degraded", "connected"])) {
    announcer.update(state);
    browser.advance(3000);
  }
  assert.deepEqual(announced, ["degraded", "connected"]);
});

test("short losses announce nothing", () => {
  const { browser, announcer, announced } = setUp();
  for (let i = 0; i < 20; i += 1) {
    announcer.update("unstable");
    browser.advance(1000);
    announcer.update("connected");
    browser.advance(1000);
  }
  assert.deepEqual(announced, []);
});
