import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffDelay, DEFAULTS, delayWithin } from "../../realtime/js/backoff.js";
import { vectors } from "./vectors.js";

const VECTORS = vectors("backoff");

const half = () => 0.5;
const shortest = () => 0.999_999;

test("the defaults are those of the vectors", () => {
  assert.deepEqual({ ...DEFAULTS }, { ...VECTORS.defaults, maxAttempts: Infinity });
});

for (const [options, failures, draw, delay] of VECTORS.delays) {
  test(`after ${failures} failures with ${JSON.stringify(options)}, drawn ${draw}`, () => {
    const given = { ...DEFAULTS, ...options };
    assert.equal(
      backoffDelay(failures, given, () => draw),
      delay,
    );
  });
}

test("full jitter draws down to zero", () => {
  assert.ok(backoffDelay(2, DEFAULTS, shortest) < 1);
});

for (const [window, draw, delay] of VECTORS.windows) {
  test(`a delay within ${JSON.stringify(window)}, drawn ${draw}`, () => {
    assert.equal(
      delayWithin(window, () => draw),
      delay,
    );
  });
}

test("no window and an endless one give null", () => {
  for (const window of [undefined, [0, Infinity]]) assert.equal(delayWithin(window, half), null);
});
