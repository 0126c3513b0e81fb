import assert from "node:assert/strict";
import { test } from "node:test";

import { GAP_MS, HOUR_MS, mergeSamples, toColumns } from "../../realtime/js/admin/series.js";

/** @import { Sample } from "../../realtime/js/admin/series.js" */

/** @param {number} at @returns {Sample} */
const sample = (at) => [at, 1, 0, 20, 60];

/** @param {Sample[]} samples */
const times = (samples) => samples.map(([at]) => at);

test("samples of the last hour are kept, each once", () => {
  const known = mergeSamples([], [sample(0), sample(10_000)], 10_000);
  assert.deepEqual(
    times(mergeSamples(known, [sample(10_000), sample(20_000)], 20_000)),
    [0, 10_000, 20_000],
  );
  assert.deepEqual(times(mergeSamples(known, [], HOUR_MS)), [10_000]);
  assert.deepEqual(mergeSamples(known, [], HOUR_MS + 10_000), []);
});

test("samples of a clock that was set back are dropped", () => {
  const known = [sample(0), sample(2 * HOUR_MS)];
  assert.deepEqual(times(mergeSamples(known, [sample(0), sample(10_000)], 10_000)), [0, 10_000]);
});

test("columns are in seconds, and a gap is a row of nulls", () => {
  assert.deepEqual(toColumns([]), [[], [], [], [], []]);
  const [at, connected, suspended, p50, p95] = toColumns([
    sample(0),
    sample(GAP_MS),
    sample(2 * GAP_MS + 1000),
  ]);
  assert.deepEqual(at, [0, 25, 38, 51]);
  assert.deepEqual(connected, [1, 1, null, 1]);
  assert.deepEqual(
    [suspended, p50, p95].map((column) => column[2]),
    [null, null, null],
  );
});
