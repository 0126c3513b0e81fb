import assert from "node:assert/strict";
import { test } from "node:test";

import { DISMISSED, HEARTBEAT_TIMEOUT, isFinal, reasonFor, SOON } from "../../realtime/js/codes.js";
import { vectors } from "./vectors.js";

for (const row of vectors("close_codes").codes) {
  test(`code ${row.code}: ${row.client}`, () => {
    assert.equal(isFinal(row.code), row.final);
    const comesSoon = SOON.includes(row.code) || row.code === HEARTBEAT_TIMEOUT;
    assert.equal(row.final ? "stay" : comesSoon ? "soon" : "backoff", row.client);
    if (row.final) assert.equal(DISMISSED.includes(row.code) ? "disconnected" : "error", row.state);
    // The server's goodbye has a reason for its own codes; 4006 is a code of the client.
    const isOwn = row.code < 4000 || row.code === 4006;
    if (row.reason) assert.equal(reasonFor(row.code), isOwn ? row.reason : `code ${row.code}`);
  });
}

test("a code without a reason is named by its number", () => {
  assert.equal(reasonFor(4700), "code 4700");
});
