import assert from "node:assert/strict";
import { test } from "node:test";

import {
  behaviour,
  isDismissal,
  isFinal,
  reasonFor,
} from "../../realtime/static/realtime/codes.js";
import { vectors } from "./vectors.js";

for (const row of vectors("close_codes").codes) {
  test(`code ${row.code}: ${row.client}`, () => {
    assert.equal(isFinal(row.code), row.final);
    assert.equal(behaviour(row.code), row.client);
    if (row.final) assert.equal(isDismissal(row.code) ? "disconnected" : "error", row.state);
    if (row.reason) assert.equal(reasonFor(row.code), row.reason);
  });
}

test("a code without words of its own is named by its number", () => {
  assert.equal(reasonFor(4700), "code 4700");
});
