import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer } from "../../realtime/static/realtime/status/announcer.js";
import { ElementGroup } from "../../realtime/static/realtime/status/element_group.js";
import { panelPosition } from "../../realtime/static/realtime/status/placement.js";
import { range, sparkline } from "../../realtime/static/realtime/status/sparkline.js";
import { Ticker } from "../../realtime/static/realtime/status/ticker.js";
import { Browser } from "./browser.js";
import { connectedPage } from "./pages.js";

// The group timer

test("any number of listeners, one timer; none, no timer", () => {
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

test("it ticks on the full second", () => {
  const browser = new Browser();
  browser.advance(300);
  /** @type {number[]} */
  const ticks = [];
  new Ticker(browser.environment).add(() => ticks.push(browser.wall % 1000));
  browser.advance(2000);
  assert.deepEqual(ticks, [0, 0]);
});

test("a listener may leave while it is told", () => {
  const browser = new Browser();
  const ticker = new Ticker(browser.environment);
  const leave = () => ticker.delete(leave);
  ticker.add(leave);
  browser.advance(3000);
  assert.equal(browser.timers, 0);
});

// What a screen reader hears

function announcer() {
  const browser = new Browser();
  /** @type {string[]} */
  const said = [];
  const ticker = new Ticker(browser.environment);
  const hears = new Announcer(
    ticker,
    () => browser.now,
    (state) => said.push(state),
  );
  return { browser, hears, said };
}

test("a page that loads and connects says nothing", () => {
  const { browser, hears, said } = announcer();
  hears.update("connecting");
  browser.advance(900);
  hears.update("connected");
  browser.advance(10_000);
  assert.deepEqual(said, []);
  assert.equal(browser.timers, 0);
});

test("fifty attempts are one announcement, the return another", () => {
  const { browser, hears, said } = announcer();
  hears.update("unstable");
  browser.advance(1000);
  for (let attempt = 0; attempt < 50; attempt += 1) {
    hears.update("connecting");
    browser.advance(1000);
  }
  hears.update("connected");
  browser.advance(3000);
  assert.deepEqual(said, ["connecting", "connected"]);
});

test("a state is spoken of when it has lasted", () => {
  const { browser, hears, said } = announcer();
  browser.advance(400);
  hears.update("error");
  browser.advance(1499);
  assert.deepEqual(said, []);
  browser.advance(1101);
  assert.deepEqual(said, ["error"]);
});

test("a server in trouble is spoken of, and its recovery", () => {
  const { browser, hears, said } = announcer();
  for (const look of /** @type {const} */ (["degraded", "connected"])) {
    hears.update(look);
    browser.advance(3000);
  }
  assert.deepEqual(said, ["degraded", "connected"]);
});

test("flapping says nothing", () => {
  const { browser, hears, said } = announcer();
  for (let i = 0; i < 20; i += 1) {
    hears.update("unstable");
    browser.advance(1000);
    hears.update("connected");
    browser.advance(1000);
  }
  assert.deepEqual(said, []);
});

// Latencies

test("the line goes from left to right, its top is the slowest", () => {
  const samples = Array.from({ length: 12 }, (_, i) => i * 10);
  const path = sparkline(samples, { width: 110, height: 20 });
  assert.equal(path.startsWith("M0 20L10 18.2L"), true);
  assert.equal(path.endsWith("L110 0"), true);
});

test("few samples are at the right, one is a dot, none is nothing", () => {
  const box = { width: 110, height: 20 };
  assert.equal(sparkline([], box), "");
  assert.equal(sparkline([20], box), "M110 0h0");
  assert.equal(sparkline([20, 10], box), "M100 0L110 10");
});

test("a ping without an answer is a gap", () => {
  const path = sparkline([20, null, 20, 20], { width: 110, height: 20 });
  assert.equal(path, "M80 0h0M100 0L110 0");
});

test("a fast network is a low line", () => {
  assert.equal(sparkline([1], { width: 110, height: 20 }), "M110 18h0");
});

test("the range is that of the answered", () => {
  assert.deepEqual(range([20, null, 5]), { count: 2, fastest: 5, slowest: 20 });
  assert.equal(range([null]), null);
});

test("elements of one client share samples, bounded, and one of them speaks", () => {
  const { client } = connectedPage();
  const group = ElementGroup.of(client);
  assert.equal(ElementGroup.of(client), group);
  for (let i = 0; i < 100; i += 1) {
    client.dispatchEvent(new CustomEvent("latency", { detail: { latency: i } }));
  }
  assert.equal(group.samples.length, 40);
  assert.equal(group.samples.at(-1), 99);
  const [first, second] = [{}, {}];
  group.add(first);
  group.add(second);
  assert.deepEqual([group.isAnnouncer(first), group.isAnnouncer(second)], [true, false]);
  group.delete(first);
  assert.equal(group.isAnnouncer(second), true);
});

test("two open panels measure once", () => {
  const { browser, client } = connectedPage();
  const group = ElementGroup.of(client);
  for (const now of [0, 10, 1000, 2999, 3000]) group.measureLatency(now);
  assert.equal(browser.socket.sentOfType("ping").length, 1); // the second joins the outstanding one
  browser.socket.receive({ type: "pong", sequence: 1 });
  group.measureLatency(6000);
  assert.equal(browser.socket.sentOfType("ping").length, 2);
});

// The panel's place

const view = { width: 1000, height: 800 };
const panel = { width: 320, height: 400 };
const start = { placement: null, rightToLeft: false };
const end = { placement: "bottom-end", rightToLeft: false };

/** @param {number} left @param {number} top */
const button = (left, top) => ({ left, top, right: left + 120, bottom: top + 30 });

test("below its button, at its start", () => {
  assert.deepEqual(panelPosition(button(100, 100), panel, view, start), { left: 100, top: 136 });
  const rightToLeft = { placement: null, rightToLeft: true };
  assert.deepEqual(panelPosition(button(500, 100), panel, view, rightToLeft), {
    left: 300,
    top: 136,
  });
});

test("elsewhere if asked", () => {
  assert.deepEqual(panelPosition(button(500, 100), panel, view, end), { left: 300, top: 136 });
  const above = { placement: "top-start", rightToLeft: false };
  assert.deepEqual(panelPosition(button(100, 600), panel, view, above), { left: 100, top: 194 });
});

test("on the other side where it does not fit", () => {
  assert.equal(panelPosition(button(100, 600), panel, view, start).top, 194);
  const above = { placement: "top-start", rightToLeft: false };
  assert.equal(panelPosition(button(100, 100), panel, view, above).top, 136);
});

test("never outside the window", () => {
  assert.equal(panelPosition(button(900, 100), panel, view, start).left, 672);
  assert.equal(panelPosition(button(20, 100), panel, view, end).left, 8);
  const low = { width: 320, height: 300 };
  assert.deepEqual(panelPosition(button(10, 100), { width: 304, height: 284 }, low, start), {
    left: 8,
    top: 8,
  });
});
