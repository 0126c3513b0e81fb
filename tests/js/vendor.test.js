import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const SHIPPED = new URL("../../realtime/static/realtime/vendor/uplot/", import.meta.url);
const INSTALLED = new URL("../../node_modules/uplot/", import.meta.url);

/** @param {string} path @param {URL} base */
const read = (path, base) => readFileSync(new URL(path, base), "utf8");

for (const [shipped, original] of [
  ["uPlot.iife.min.js", "dist/uPlot.iife.min.js"],
  ["uPlot.min.css", "dist/uPlot.min.css"],
  ["LICENSE", "LICENSE"],
]) {
  test(`${shipped} equals the package's file`, () => {
    assert.equal(read(shipped, SHIPPED), read(original, INSTALLED));
  });
}

test("the README names the version", () => {
  const { version } = JSON.parse(read("package.json", INSTALLED));
  assert.match(read("README.md", SHIPPED), new RegExp(`^# uPlot ${version}$`, "m"));
});
