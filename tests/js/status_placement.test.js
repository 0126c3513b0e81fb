import assert from "node:assert/strict";
import { test } from "node:test";

import { panelPosition } from "../../realtime/js/status/placement.js";

const view = { width: 1000, height: 800 };
const panel = { width: 320, height: 400 };
const start = { placement: null, rightToLeft: false };
const end = { placement: "bottom-end", rightToLeft: false };

/** @param {number} left @param {number} top */
const button = (left, top) => ({ left, top, right: left + 120, bottom: top + 30 });

test("by default it is below the button, aligned with its start", () => {
  assert.deepEqual(panelPosition(button(100, 100), panel, view, start), { left: 100, top: 136 });
  const rightToLeft = { placement: null, rightToLeft: true };
  assert.deepEqual(panelPosition(button(500, 100), panel, view, rightToLeft), {
    left: 300,
    top: 136,
  });
});

test("`placement` chooses side and edge", () => {
  assert.deepEqual(panelPosition(button(500, 100), panel, view, end), { left: 300, top: 136 });
  const above = { placement: "top-start", rightToLeft: false };
  assert.deepEqual(panelPosition(button(100, 600), panel, view, above), { left: 100, top: 194 });
});

test("it is on the other side where it does not fit", () => {
  assert.equal(panelPosition(button(100, 600), panel, view, start).top, 194);
  const above = { placement: "top-start", rightToLeft: false };
  assert.equal(panelPosition(button(100, 100), panel, view, above).top, 136);
});

test("it stays inside the window", () => {
  assert.equal(panelPosition(button(900, 100), panel, view, start).left, 672);
  assert.equal(panelPosition(button(20, 100), panel, view, end).left, 8);
  const low = { width: 320, height: 300 };
  assert.deepEqual(panelPosition(button(10, 100), { width: 304, height: 284 }, low, start), {
    left: 8,
    top: 8,
  });
});
