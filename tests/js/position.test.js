import assert from "node:assert/strict";
import { test } from "node:test";

import { toPosition } from "../../realtime/js/position.js";
import { vectors } from "./vectors.js";

const { valid, invalid } = vectors("positions");

test("a text or an object is a position", () => {
  for (const [text, epoch, offset] of valid) {
    assert.deepEqual(toPosition(text), { epoch, offset });
    assert.deepEqual(toPosition({ epoch, offset }), { epoch, offset });
  }
});

test("anything else is none", () => {
  const others = [
    undefined,
    null,
    41,
    true,
    [],
    {},
    { epoch: "k3" },
    { offset: 41 },
    { epoch: "k3", offset: 1.5 },
  ];
  for (const value of [...invalid, `${"k".repeat(101)}:1`, ...others])
    assert.equal(toPosition(value), null, JSON.stringify(value));
});
