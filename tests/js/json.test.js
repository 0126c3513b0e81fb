import assert from "node:assert/strict";
import { test } from "node:test";

import { utf8Length } from "../../realtime/js/json.js";

test("utf8Length equals the length of the encoded text", () => {
  const texts = [
    "",
    "abc",
    "é",
    "ß",
    "…",
    "中文",
    "😀",
    "a😀b",
    "\ud800",
    "\udc00",
    "\ud800x",
    "\udc00\ud800",
  ];
  for (const text of texts)
    assert.equal(utf8Length(text), new TextEncoder().encode(text).length, text);
});
