import assert from "node:assert/strict";
import { test } from "node:test";

import { AdaptiveTimeouts } from "../../realtime/js/adaptive_timeouts.js";
import { Watchdog } from "../../realtime/js/watchdog.js";
import { Browser } from "./browser.js";
import { seeded } from "./random.js";

/** A watchdog with the server's defaults: it probes after 30 s of silence; lost after 35 s. */
function watch() {
  const browser = new Browser();
  const timeouts = new AdaptiveTimeouts();
  /** @type {string[]} */
  const calls = [];
  /** @type {any} the newest one */
  let ping;
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    timeouts,
    {
      send: (frame) => {
        calls.push("probe");
        ping = frame;
      },
      onLost: () => {
        calls.push("lost");
        watchdog.stop();
      },
    },
    {
      onLatency: () => {},
      onDoubt: (doubting) => calls.push(doubting ? "doubt" : "life"),
    },
  );
  /** The server answers the newest ping. */
  const answer = () => {
    watchdog.onFrame();
    watchdog.onPong(ping.sequence);
  };
  return { browser, timeouts, watchdog, calls, answer };
}

test("an idle connection is probed after P + T/2 and lost after P + T", () => {
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

test("a connection with traffic is never probed", () => {
  const { browser, watchdog, calls } = watch();
  for (let beat = 0; beat < 100; beat += 1) {
    browser.advance(25_000);
    watchdog.onFrame();
  }
  assert.deepEqual(calls, []);
});

test("a requested probe waits two seconds", () => {
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

test("a sleep that stops the monotonic clock is detected within a second", () => {
  const { browser, calls } = watch();
  browser.advance(10_000);
  browser.sleep(3_600_000);
  browser.advance(1000);
  assert.deepEqual(calls, ["probe", "doubt"]);
  browser.advance(2000);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
});

test("a standstill with a running clock causes a probe, not a loss", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(10_000);
  browser.stall(90_000);
  browser.advance(0);
  assert.deepEqual(calls, ["probe", "doubt"]);
  watchdog.onFrame();
  browser.advance(10_000);
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
});

test("a standstill during a probe extends its time", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(31_000);
  browser.stall(90_000);
  browser.advance(100);
  assert.deepEqual(calls, ["probe", "doubt"]);
  watchdog.onFrame();
  assert.deepEqual(calls, ["probe", "doubt", "life"]);
});

test("a timer that a standstill delayed does not excuse a probe sent after it", () => {
  const { browser, watchdog, calls } = watch();
  browser.advance(10_000);
  browser.stall(600_000);
  watchdog.probe();
  browser.advance(2000);
  assert.deepEqual(calls, ["probe", "doubt", "lost"]);
});

test("a throttled tab with pings of the server is not probed", () => {
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

test("a throttled tab on an idle connection probes each minute", () => {
  const { browser, calls, answer } = watch();
  for (let minute = 0; minute < 10; minute += 1) {
    browser.advanceThrottled(60_000);
    answer();
  }
  assert.equal(calls.includes("lost"), false);
  assert.equal(calls.filter((word) => word === "probe").length, 10);
});

test("the dead connection of a throttled tab is lost", () => {
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

test("each sleep causes a probe", () => {
  const { browser, calls, answer } = watch();
  browser.stall(60_000);
  browser.advance(0);
  answer();
  browser.sleep(3_600_000);
  browser.advance(1000);
  assert.deepEqual(calls, ["probe", "doubt", "life", "probe", "doubt"]);
});

test("a standstill is detected although the wall clock was set back", () => {
  const { browser, calls } = watch();
  browser.advance(31_000);
  browser.stall(90_000);
  browser.sleep(-90_000);
  browser.advance(0);
  assert.deepEqual(calls, ["probe", "doubt"]);
});

test("a wall clock that is set back changes nothing", () => {
  const { browser, calls } = watch();
  browser.sleep(-3_600_000);
  browser.advance(29_999);
  assert.deepEqual(calls, []);
});

test("stop() within onDoubt sets no timer", () => {
  const browser = new Browser();
  const watchdog = new Watchdog(
    { ping_interval: 25_000, pong_timeout: 10_000 },
    browser.environment,
    new AdaptiveTimeouts(),
    { send: () => {}, onLost: () => assert.fail("it was stopped") },
    { onLatency: () => {}, onDoubt: () => watchdog.stop() },
  );
  browser.advance(60_000);
  assert.equal(browser.timers, 0);
});

for (let seed = 1; seed <= 200; seed += 1) {
  test(`a random life ends with silence alone, and in time (${seed})`, () => {
    const random = seeded(seed);
    const { browser, timeouts, watchdog, calls, answer } = watch();
    const isLost = () => calls.at(-1) === "lost";
    let heardAt = 0;
    const acts = [
      () => browser.advance(random() * 12_000),
      () => browser.stall(random() * 90_000),
      () => browser.sleep((random() - 0.3) * 3_600_000),
      () => browser.advanceThrottled(1 + random() * 60_000),
      () => watchdog.probe(),
      () => watchdog.expectAnswer(),
      () => void watchdog.ping(),
      () => {
        heardAt = browser.now;
        if (calls.includes("probe")) answer();
        else watchdog.onFrame();
      },
    ];
    for (let step = 0; step < 60 && !isLost(); step += 1)
      acts[Math.floor(random() * acts.length)]?.();

    // The doubts and the lives after them take turns, and a loss follows a doubt of 2 s at least.
    const told = calls.filter((call) => call !== "probe");
    for (const [i, call] of told.entries())
      assert.equal(call, i % 2 ? (call === "lost" ? "lost" : "life") : "doubt");
    if (isLost()) assert.ok(browser.now - heardAt >= 2000);

    // With punctual timers a silent connection is lost after P + T, more on a line that was slow, and
    // after 3 s more if the device has just slept.
    browser.advance(30_000 + timeouts.answerMs(5000) + 3000);
    assert.ok(isLost());
    assert.equal(browser.timers, 0);
  });
}
