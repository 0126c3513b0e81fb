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
  const below = { left: 100, top: 136, maxHeight: 656 };
  assert.deepEqual(panelPosition(button(100, 100), panel, view, start), below);
  const rightToLeft = { placement: null, rightToLeft: true };
  assert.deepEqual(panelPosition(button(500, 100), panel, view, rightToLeft), {
    ...below,
    left: 300,
  });
});

test("`placement` chooses side and edge", () => {
  const below = { left: 300, top: 136, maxHeight: 656 };
  assert.deepEqual(panelPosition(button(500, 100), panel, view, end), below);
  const above = { placement: "top-start", rightToLeft: false };
  assert.deepEqual(panelPosition(button(100, 600), panel, view, above), {
    left: 100,
    top: 194,
    maxHeight: 586,
  });
});

test("it is on the other side where it does not fit", () => {
  assert.equal(panelPosition(button(100, 600), panel, view, start).top, 194);
  const above = { placement: "top-start", rightToLeft: false };
  assert.equal(panelPosition(button(100, 100), panel, view, above).top, 136);
});

test("it stays inside the window", () => {
  assert.equal(panelPosition(button(900, 100), panel, view, start).left, 672);
  assert.equal(panelPosition(button(20, 100), panel, view, end).left, 8);
});

test("it never covers its button: where there is little room it is lower", () => {
  const low = { width: 320, height: 300 };
  const large = { width: 304, height: 600 };
  assert.deepEqual(panelPosition(button(10, 100), large, low, start), {
    left: 8,
    top: 136,
    maxHeight: 156,
  });
  assert.deepEqual(panelPosition(button(10, 200), large, low, start), {
    left: 8,
    top: 8,
    maxHeight: 186,
  });
  for (let top = 0; top <= 270; top += 1) {
    for (const placement of ["bottom-start", "top-end"]) {
      const at = button(10, top);
      const found = panelPosition(at, large, low, { placement, rightToLeft: false });
      assert.ok(found.top >= at.bottom || found.top + found.maxHeight <= at.top, `${top}`);
    }
  }
});

test("beside a button outside of the window it is inside", () => {
  const large = { width: 304, height: 2000 };
  for (const top of [-3000, -100, 900, 3000]) {
    const found = panelPosition(button(10, top), large, view, start);
    assert.deepEqual([found.top, found.maxHeight], [8, 784]);
  }
});
