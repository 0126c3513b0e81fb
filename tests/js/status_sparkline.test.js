import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, sparkline } from "../../realtime/js/status/sparkline.js";

test("the line goes from left to right; the slowest sample is at the top", () => {
  const samples = Array.from({ length: 12 }, (_, i) => i * 10);
  const path = sparkline(samples, { width: 110, height: 20 });
  assert.equal(path.startsWith("M0 20L10 18.2L"), true);
  assert.equal(path.endsWith("L110 0"), true);
});

test("few samples are at the right; one is a dot", () => {
  const box = { width: 110, height: 20 };
  assert.equal(sparkline([], box), "");
  assert.equal(sparkline([20], box), "M110 0h0");
  assert.equal(sparkline([20, 10], box), "M100 0L110 10");
});

test("a ping without an answer is a gap", () => {
  const path = sparkline([20, null, 20, 20], { width: 110, height: 20 });
  assert.equal(path, "M80 0h0M100 0L110 0");
});

test("fast samples are near the bottom", () => {
  assert.equal(sparkline([1], { width: 110, height: 20 }), "M110 18h0");
});

test("misses are no answers", () => {
  assert.deepEqual(answered([20, null, 5]), [20, 5]);
  assert.deepEqual(answered([null]), []);
});
