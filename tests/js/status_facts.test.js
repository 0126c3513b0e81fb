import assert from "node:assert/strict";
import { test } from "node:test";

import { facts, spoken } from "../../realtime/static/realtime/status/facts.js";
import { formats } from "../../realtime/static/realtime/status/format.js";
import { wordsFor } from "../../realtime/static/realtime/status/words.js";

/** @typedef {import("../../realtime/static/realtime/events.js").Stats} Stats */

const NOW = new Date(2026, 10, 20, 14, 2, 11).getTime();

/** @type {Stats} */
const CONNECTED = {
  state: "connected",
  stateSince: NOW - 65_000,
  reason: "",
  degraded: false,
  session: "AbCdEfGhIjKlMnOp",
  since: NOW - 65_000,
  user: "17",
  latency: 12.4,
  pings: 1200,
  pongs: 4,
  misses: 1,
  attempts: 0,
  nextAttemptAt: null,
  autoReconnect: true,
  lastError: null,
};

/** @param {Partial<Stats>} more */
function seen(more = {}, lang = "en-GB", /** @type {(number | null)[]} */ samples = []) {
  const context = { now: NOW, words: wordsFor(lang), formats: formats(lang) };
  return facts({ ...CONNECTED, ...more }, samples, context);
}

const lost = { code: 1006, reason: "connection lost", at: NOW - 1000 };

test("connected", () => {
  const { can, ...shown } = seen({}, "en-GB", [12, null, 30.2]);
  assert.deepEqual(shown, {
    look: "connected",
    word: "connected",
    note: "",
    countdown: "",
    text: "All is well: the server answers.",
    since: "14:01:06 · 1 min",
    session: "AbCdEfGh…",
    latency: "12 ms",
    latencyRange: "Latency of the last 2 answered pings: 12 ms to 30 ms",
    pings: "1,200",
    pongs: "4",
    misses: "1",
    attempts: "none",
    lastError: "none",
    autoReconnect: true,
  });
  assert.deepEqual(can, { reconnect: false, disconnect: true, ping: true });
});

test("nothing known yet", () => {
  const shown = seen({ state: "disconnected", session: null, latency: null });
  assert.equal(shown.session, "–");
  assert.equal(shown.latency, "–");
  assert.equal(shown.latencyRange, "");
  assert.equal(shown.text, "Not connected. Reconnect whenever you like.");
  assert.deepEqual(shown.can, { reconnect: true, disconnect: false, ping: false });
});

test("waiting for the next attempt, it counts down in whole seconds", () => {
  const shown = seen({ state: "connecting", attempts: 3, nextAttemptAt: NOW + 4200 });
  assert.equal(shown.countdown, "in 5 secs");
  assert.equal(shown.text, "No connection. Next attempt in 5 secs.");
  assert.equal(shown.attempts, "3, next in 5 secs");
  assert.equal(shown.can.reconnect, true);
});

test("an attempt under way cannot be hurried", () => {
  const first = seen({ state: "connecting", attempts: 1 });
  assert.equal(first.text, "Calling the server.");
  assert.equal(first.can.reconnect, false);
  const third = seen({ state: "connecting", attempts: 3 });
  assert.equal(third.text, "Calling the server, attempt 3.");
});

test("unstable", () => {
  const shown = seen({ state: "unstable" });
  assert.equal(shown.text, "The server is silent. Asking whether it is still there.");
  assert.equal(shown.can.ping, true);
});

test("connected to a server that cannot reach its store", () => {
  const shown = seen({ degraded: true });
  assert.deepEqual([shown.look, shown.word, shown.note], ["degraded", "connected", "but limited"]);
  assert.match(shown.text, /^Connected, but the server cannot reach its data/);
  assert.equal(spoken("degraded", wordsFor("en")), "connected but limited");
  assert.equal(spoken("unstable", wordsFor("en")), "unstable");
  const chinese = seen({ degraded: true }, "zh-hans");
  assert.deepEqual([chinese.word, chinese.note], ["已连接", "（功能受限）"]);
});

test("what is worse than that is what is shown", () => {
  const shown = seen({ state: "unstable", degraded: true });
  assert.deepEqual([shown.look, shown.word, shown.note], ["unstable", "unstable", ""]);
});

test("an end by a final code", () => {
  const lastError = { code: 4501, reason: "not authenticated", at: NOW };
  const shown = seen({ state: "error", reason: "not authenticated", lastError });
  assert.equal(shown.text, "Ended: not authenticated. Reconnect to try again.");
  assert.equal(shown.lastError, "not authenticated (4501), 14:02:11");
});

test("given up", () => {
  const reason = "gave up after 5 attempts: connection lost";
  const shown = seen({ state: "error", attempts: 5, reason, lastError: lost });
  assert.equal(shown.text, "Gave up after 5 attempts: connection lost. Reconnect to try again.");
});

test("disconnected by somebody else", () => {
  const lastError = { code: 4500, reason: "you were loud", at: NOW };
  const shown = seen({ state: "disconnected", reason: "you were loud", lastError });
  assert.equal(shown.text, "Ended: you were loud.");
});

test("lost without automatic reconnecting", () => {
  const state = "disconnected";
  const shown = seen({ state, reason: lost.reason, lastError: lost, autoReconnect: false });
  assert.equal(shown.text, "Ended: connection lost. Automatic reconnecting is off.");
});

test("an older error is not taken for the reason", () => {
  const shown = seen({ state: "disconnected", reason: "page frozen", lastError: lost }, "zh");
  assert.equal(shown.text, "连接已结束：page frozen。");
});

test("in Chinese, codes have words of their own", () => {
  const shown = seen({ state: "disconnected", reason: lost.reason, lastError: lost }, "zh-hans");
  assert.equal(shown.word, "已断开");
  assert.equal(shown.text, "连接已结束：连接中断。");
  assert.match(shown.lastError, /^连接中断 \(1006\), /);
});

test("the token is nowhere", () => {
  const shown = seen(/** @type {any} */ ({ token: "secret" }));
  assert.equal(JSON.stringify(shown).includes("secret"), false);
});
