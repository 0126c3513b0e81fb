import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffDelay, DEFAULTS, delayWithin } from "../../realtime/js/backoff.js";

const longest = () => 0; // a draw that leaves the ceiling
const quarter = () => 0.25;
const half = () => 0.5;
const shortest = () => 0.999_999;

test("the ceiling doubles up to the cap", () => {
  const ceilings = [0, 1, 2, 3, 4, 5, 6].map((n) => backoffDelay(n, DEFAULTS, longest));
  assert.deepEqual(ceilings, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("after a thousand failures the delay is still the cap", () => {
  assert.equal(backoffDelay(5000, DEFAULTS, longest), 30_000);
});

test("full jitter draws from zero to the ceiling", () => {
  assert.equal(backoffDelay(2, DEFAULTS, quarter), 3000);
  assert.ok(backoffDelay(2, DEFAULTS, shortest) < 1);
});

test("jitter can be partial or off", () => {
  assert.equal(backoffDelay(2, { ...DEFAULTS, jitter: 0.5 }, half), 3000);
  assert.equal(backoffDelay(2, { ...DEFAULTS, jitter: 0 }, half), 4000);
});

test("the caller sets base, factor and cap", () => {
  const options = { ...DEFAULTS, base: 10, factor: 3, cap: 50 };
  const delays = [0, 1, 2].map((n) => backoffDelay(n, options, longest));
  assert.deepEqual(delays, [10, 30, 50]);
});

test("a delay within the server's window", () => {
  assert.equal(delayWithin([1000, 5000], longest), 1000);
  assert.equal(delayWithin([1000, 5000], half), 3000);
});

test("an invalid window gives null", () => {
  for (const window of [undefined, null, 5, [], [1], [5, 1], [-1, 5], ["a", "b"], [0, Infinity]]) {
    assert.equal(delayWithin(window, half), null, JSON.stringify(window));
  }
});
