import assert from "node:assert/strict";
import { mock, test } from "node:test";

import {
  duration,
  FRESH_MS,
  freshness,
  interpolate,
} from "../../realtime/static/realtime/admin/freshness.js";
import { unavailableReason } from "../../realtime/static/realtime/admin/page_fetch.js";
import { INTERVAL_MS, Poller } from "../../realtime/static/realtime/admin/poller.js";
import {
  GAP_MS,
  HOUR_MS,
  mergeSamples,
  toColumns,
} from "../../realtime/static/realtime/admin/series.js";

/** @import { Sample } from "../../realtime/static/realtime/admin/series.js" */

const WORDS = { seconds: "%s s", minutes: "%s min", hours: "%s h" };

/** @param {number} at @returns {Sample} */
const point = (at) => [at, 1, 0, 20, 60];

/** @param {Sample[]} points */
const times = (points) => points.map(([at]) => at);

test("numbers are fresh, paused or stale", () => {
  const fresh = { ageMs: 0, paused: false, failed: false };
  assert.equal(freshness(fresh), "fresh");
  assert.equal(freshness({ ...fresh, ageMs: FRESH_MS + 1 }), "stale");
  assert.equal(freshness({ ...fresh, failed: true }), "stale");
  assert.equal(freshness({ ...fresh, paused: true, failed: true }), "paused");
});

test("an age is said in its largest useful unit", () => {
  const said = [-5, 999, 119_999, 120_000, 7_199_999, 7_200_000, 90_000_000].map((ms) =>
    duration(ms, WORDS),
  );
  assert.deepEqual(said, ["0 s", "0 s", "119 s", "2 min", "119 min", "2 h", "25 h"]);
});

test("what is filled in is taken literally", () => {
  assert.equal(interpolate("since %s.", "$& %s"), "since $& %s.");
});

test("why there is no news", () => {
  const asked = new URL("http://site/admin/live/?live=&after=7");
  const login = "http://site/admin/login/?next=/admin/live/";
  assert.equal(unavailableReason(200, asked.href, asked), "");
  assert.equal(unavailableReason(500, asked.href, asked), "");
  assert.equal(unavailableReason(503, asked.href, asked), "store");
  assert.equal(unavailableReason(404, asked.href, asked), "gone");
  assert.equal(unavailableReason(403, asked.href, asked), "left");
  assert.equal(unavailableReason(200, login, asked), "left");
});

test("an hour of samples is kept, each once", () => {
  const known = mergeSamples([], [point(0), point(10_000)], 10_000);
  assert.deepEqual(
    times(mergeSamples(known, [point(10_000), point(20_000)], 20_000)),
    [0, 10_000, 20_000],
  );
  assert.deepEqual(times(mergeSamples(known, [], HOUR_MS)), [10_000]);
  assert.deepEqual(mergeSamples(known, [], HOUR_MS + 10_000), []);
});

test("samples of a clock that was ahead go when the store has set it right", () => {
  const known = [point(0), point(2 * HOUR_MS)];
  assert.deepEqual(times(mergeSamples(known, [point(0), point(10_000)], 10_000)), [0, 10_000]);
});

test("toColumns are in seconds, and a gap is a row of nothing", () => {
  assert.deepEqual(toColumns([]), [[], [], [], [], []]);
  const [at, connected, suspended, p50, p95] = toColumns([
    point(0),
    point(GAP_MS),
    point(2 * GAP_MS + 1000),
  ]);
  assert.deepEqual(at, [0, 25, 38, 51]);
  assert.deepEqual(connected, [1, 1, null, 1]);
  assert.deepEqual(
    [suspended, p50, p95].map((column) => column[2]),
    [null, null, null],
  );
});

/** A poller on a clock turned by hand, and what it has asked. @param {number} [took] ms per answer */
function setUp(took = 0) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const state = { now: 0, asked: 0, running: 0, most: 0 };
  const poller = new Poller(
    async () => {
      state.asked += 1;
      state.running += 1;
      state.most = Math.max(state.most, state.running);
      await new Promise((resolve) => setTimeout(resolve, took));
      state.running -= 1;
    },
    () => state.now,
  );
  /** @param {number} ms */
  const pass = async (ms) => {
    for (let i = 0; i < ms; i += 100) {
      state.now += 100;
      mock.timers.tick(100);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  };
  return { poller, state, pass };
}

test("it asks every interval, the answer's own time included", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, pass } = setUp(500);
  poller.start();
  await pass(INTERVAL_MS - 100);
  assert.equal(state.asked, 0);
  await pass(100);
  assert.equal(state.asked, 1);
  await pass(INTERVAL_MS);
  assert.equal(state.asked, 2);
});

test("it never asks twice at once, however long an answer takes", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, pass } = setUp(5000);
  poller.start();
  await pass(20_000);
  assert.equal(state.most, 1);
  assert.ok(state.asked >= 3);
});

test("paused it asks nothing, and goes on at once", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, pass } = setUp();
  poller.start();
  poller.paused = true;
  await pass(60_000);
  assert.equal(state.asked, 0);
  poller.paused = false;
  await pass(100);
  assert.equal(state.asked, 1);
});

test("stopped it asks nothing, whatever happens to the page", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, pass } = setUp();
  poller.start();
  poller.stop();
  poller.paused = true;
  poller.paused = false;
  poller.hidden = false;
  await pass(60_000);
  assert.equal(state.asked, 0);
});

test("hidden it asks nothing, and asks as soon as it is seen", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, pass } = setUp();
  poller.start();
  poller.hidden = true;
  await pass(60_000);
  assert.equal(state.asked, 0);
  poller.hidden = false;
  await pass(100);
  assert.equal(state.asked, 1);
  poller.paused = true;
  poller.hidden = false;
  await pass(60_000);
  assert.equal(state.asked, 1);
});
