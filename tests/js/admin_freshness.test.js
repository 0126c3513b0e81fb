import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, FRESH_MS, freshness, interpolate } from "../../realtime/js/admin/freshness.js";

const WORDS = { seconds: "%s s", minutes: "%s min", hours: "%s h" };

test("numbers are fresh, paused or stale", () => {
  const fresh = { ageMs: 0, paused: false, failed: false };
  assert.equal(freshness(fresh), "fresh");
  assert.equal(freshness({ ...fresh, ageMs: FRESH_MS + 1 }), "stale");
  assert.equal(freshness({ ...fresh, failed: true }), "stale");
  assert.equal(freshness({ ...fresh, paused: true, failed: true }), "paused");
});

test("an age is in its largest useful unit", () => {
  const ages = [-5, 999, 119_999, 120_000, 7_199_999, 7_200_000, 90_000_000].map((ms) =>
    duration(ms, WORDS),
  );
  assert.deepEqual(ages, ["0 s", "0 s", "119 s", "2 min", "119 min", "2 h", "25 h"]);
});

test("interpolated values are literal", () => {
  assert.equal(interpolate("since %s.", "$& %s"), "since $& %s.");
});
