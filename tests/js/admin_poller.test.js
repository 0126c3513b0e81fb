import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { INTERVAL_MS, Poller } from "../../realtime/js/admin/poller.js";

/** A poller on a simulated clock, and its counts. @param {number} [took] ms per poll */
function setUp(took = 0) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const state = { now: 0, polls: 0, running: 0, most: 0 };
  const poller = new Poller(
    async () => {
      state.polls += 1;
      state.running += 1;
      state.most = Math.max(state.most, state.running);
      await new Promise((resolve) => setTimeout(resolve, took));
      state.running -= 1;
    },
    () => state.now,
  );
  /** @param {number} ms */
  const advance = async (ms) => {
    for (let i = 0; i < ms; i += 100) {
      state.now += 100;
      mock.timers.tick(100);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  };
  return { poller, state, advance };
}

test("it polls once in an interval, which includes the answer's time", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, advance } = setUp(500);
  poller.start();
  await advance(INTERVAL_MS - 100);
  assert.equal(state.polls, 0);
  await advance(100);
  assert.equal(state.polls, 1);
  await advance(INTERVAL_MS);
  assert.equal(state.polls, 2);
});

test("it never polls twice at once", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, advance } = setUp(5000);
  poller.start();
  await advance(20_000);
  assert.equal(state.most, 1);
  assert.ok(state.polls >= 3);
});

test("it does not poll while paused, and polls at once afterwards", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, advance } = setUp();
  poller.start();
  poller.paused = true;
  await advance(60_000);
  assert.equal(state.polls, 0);
  poller.paused = false;
  await advance(100);
  assert.equal(state.polls, 1);
});

test("it does not poll after stop()", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, advance } = setUp();
  poller.start();
  poller.stop();
  poller.paused = true;
  poller.paused = false;
  poller.hidden = false;
  await advance(60_000);
  assert.equal(state.polls, 0);
});

test("it does not poll while hidden, and polls at once afterwards", async (t) => {
  t.after(() => mock.timers.reset());
  const { poller, state, advance } = setUp();
  poller.start();
  poller.hidden = true;
  await advance(60_000);
  assert.equal(state.polls, 0);
  poller.hidden = false;
  await advance(100);
  assert.equal(state.polls, 1);
  poller.paused = true;
  poller.hidden = false;
  await advance(60_000);
  assert.equal(state.polls, 1);
});
