import assert from "node:assert/strict";
import { test } from "node:test";

import { formats } from "../../realtime/js/status/format.js";
import {
  addLanguage,
  interpolate,
  languages,
  translations,
} from "../../realtime/js/status/i18n.js";
import { vectors } from "./vectors.js";

const NOW = new Date(2026, 10, 20, 14, 2, 11).getTime();
const HOUR = 3_600_000;

test("a language tag finds the texts of its language", () => {
  assert.equal(translations("zh-Hans-CN").connected, "已连接");
  assert.equal(translations("zh").connected, "已连接");
  assert.equal(translations("en-GB").connected, "connected");
});

test("unknown and invalid languages are English", () => {
  for (const lang of ["", "tlh", "constructor", "__proto__", "de_DE", "-"]) {
    assert.equal(translations(lang).connected, "connected", lang);
  }
});

test("English fills the gaps of an added language", () => {
  addLanguage("DE", { connected: "verbunden" });
  addLanguage("de-AT", { connected: "ang'hängt" });
  addLanguage("de", { error: "Fehler" });
  assert.equal(translations("de").connected, "verbunden");
  assert.equal(translations("de-CH").error, "Fehler");
  assert.equal(translations("de-at").connected, "ang'hängt");
  assert.equal(translations("de").disconnected, "disconnected");
});

test("a changed word of English fills the gaps, too", () => {
  addLanguage("en", { unstable: "shaky" });
  addLanguage("nl", { connected: "verbonden" });
  assert.equal(translations("nl").unstable, "shaky");
  assert.equal(translations("tlh").unstable, "shaky");
  addLanguage("en", { unstable: "unstable" });
});

test("Chinese has all texts of English, with the same placeholders", () => {
  const placeholders = (/** @type {string} */ text) =>
    [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(languages.en)) {
    const chinese = languages.zh[key];
    assert.ok(chinese, key);
    assert.deepEqual(placeholders(chinese), placeholders(text ?? ""), key);
  }
});

test("Chinese has a text for each close code with a reason", () => {
  /** @type {{code: number, reason?: string}[]} */
  const codes = vectors("close_codes").codes;
  for (const { code, reason } of codes)
    if (reason) assert.ok(languages.zh[`code${code}`], `${code}`);
});

test("placeholders are replaced once; unknown ones stay", () => {
  assert.equal(interpolate("{n} of {m}", { n: "{m}" }), "{m} of {m}");
});

test("beside text from right to left each value is isolated", () => {
  assert.equal(
    interpolate("انتهى: {error} ({n})", { error: "lunch!" }),
    "انتهى: \u2068lunch!\u2069 (\u2068{n}\u2069)",
  );
  assert.equal(
    interpolate("{n}, {time}", { n: "3", time: "שעה" }),
    "\u20683\u2069, \u2068שעה\u2069",
  );
  assert.equal(interpolate("结束：{error}", { error: "Schluß" }), "结束：Schluß");
});

test("durations and latencies are in the given language", () => {
  const { duration, latency } = formats("en");
  assert.deepEqual([0, 59_999, 60_000, HOUR, 47 * HOUR, 72 * HOUR].map(duration), [
    "0 sec",
    "59 sec",
    "1 min",
    "1 hr",
    "47 hr",
    "3 days",
  ]);
  assert.equal(duration(-5000), "0 sec");
  assert.deepEqual([0.84, 9.94, 9.96, 1234].map(latency), [
    "0.8 ms",
    "9.9 ms",
    "10 ms",
    "1,234 ms",
  ]);
  assert.equal(formats("zh-hans").duration(90_000), "1分钟");
});

test("a time of another day has its date", () => {
  const { moment } = formats("en-GB");
  assert.equal(moment(NOW - HOUR, NOW), "13:02:11");
  assert.equal(moment(NOW - 24 * HOUR, NOW), "19 Nov 2026, 14:02:11");
});

test("an invalid language tag causes no error", () => {
  assert.equal(typeof formats("not a tag").number(3), "string");
});
