import assert from "node:assert/strict";
import { test } from "node:test";

import { POLICY_REASON } from "../../realtime/js/connect_errors.js";
import { formats } from "../../realtime/js/status/format.js";
import { standardReason, translations } from "../../realtime/js/status/i18n.js";
import { announcement, viewModel } from "../../realtime/js/status/view_model.js";
import { vectors } from "./vectors.js";

/** @typedef {import("../../realtime/js/events.js").Stats} Stats */

const NOW = new Date(2026, 10, 20, 14, 2, 11).getTime();

/** @type {Stats} */
const CONNECTED = {
  state: "connected",
  stateSince: NOW - 5000,
  reason: "",
  degraded: false,
  connectedSince: NOW - 65_000,
  reconnects: 2,
  transport: "websocket",
  online: true,
  session: "AbCdEfGhIjKlMnOp",
  since: NOW - 65_000,
  user: "17",
  latency: 12.4,
  pings: 1200,
  lastPingAt: NOW - 3000,
  pongs: 4,
  lastPongAt: NOW - 120_000,
  misses: 1,
  attempts: 0,
  maxAttempts: Infinity,
  nextAttemptAt: null,
  pending: 0,
  autoReconnect: true,
  lastError: null,
};

/** The view model of a connected client with these changes. @param {Partial<Stats>} more */
function modelOf(more = {}, lang = "en-GB", /** @type {(number | null)[]} */ samples = []) {
  const context = { now: NOW, words: translations(lang), formats: formats(lang) };
  return viewModel({ ...CONNECTED, ...more }, samples, context);
}

const lost = { code: 1006, reason: "connection lost", at: NOW - 1000 };

test("connected", () => {
  const { enabled, ...model } = modelOf({}, "en-GB", [12, null, 30.2]);
  assert.deepEqual(model, {
    displayState: "connected",
    word: "connected",
    note: "",
    countdown: "",
    text: "All is well: the server answers.",
    since: "14:01:06 · 1 min",
    network: "WebSocket",
    session: "AbCdEfGh…",
    latency: "12 ms",
    latencyRange: "Latency of the last 2 answered pings: 12 ms to 30 ms",
    pings: "1,200",
    pongs: "4",
    misses: "1",
    reconnects: "2",
    pending: "0",
    lastPing: "14:02:08 · 3 secs",
    lastPong: "14:00:11 · 2 mins",
    attempts: "none",
    lastError: "none",
    autoReconnect: true,
  });
  assert.deepEqual(enabled, { reconnect: false, disconnect: true, ping: true });
});

test("never connected", () => {
  const never = { connectedSince: null, lastPingAt: null, lastPongAt: null, transport: null };
  const model = modelOf({ state: "disconnected", session: null, latency: null, ...never });
  assert.equal(model.session, "–");
  assert.deepEqual([model.lastPing, model.lastPong], ["–", "–"]);
  assert.equal(model.network, "online");
  assert.equal(model.latency, "–");
  assert.equal(model.latencyRange, "");
  assert.equal(model.text, "Not connected. Reconnect at any time.");
  assert.deepEqual(model.enabled, { reconnect: true, disconnect: false, ping: false });
});

test("the countdown to the next attempt is in whole seconds", () => {
  const model = modelOf({ state: "connecting", attempts: 3, nextAttemptAt: NOW + 4200 });
  assert.equal(model.countdown, "in 5 secs");
  assert.equal(model.text, "No connection. Next attempt in 5 secs.");
  assert.equal(model.attempts, "3, next in 5 secs");
  assert.equal(model.enabled.reconnect, true);
});

test("while there is a connection its start is shown, else that of the state", () => {
  assert.equal(modelOf({ state: "unstable" }).since, "14:01:06 · 1 min");
  assert.equal(modelOf({ state: "connecting", connectedSince: null }).since, "14:02:06 · 5 secs");
});

test("attempts are counted up to the last one, if there is one", () => {
  const away = /** @type {const} */ ({ state: "connecting", attempts: 3, maxAttempts: 1000 });
  assert.equal(modelOf(away).attempts, "3/1,000");
  const waiting = { ...away, nextAttemptAt: NOW + 4200 };
  assert.equal(modelOf(waiting).attempts, "3/1,000, next in 5 secs");
  assert.match(modelOf(waiting, "zh").attempts, /^3\/1,000，5秒钟?后重试$/);
});

test("a device without a network, and messages that wait", () => {
  const away = /** @type {const} */ ({ online: false, transport: null, pending: 1234 });
  const model = modelOf({ state: "connecting", ...away });
  assert.deepEqual([model.network, model.pending], ["offline", "1,234"]);
  assert.equal(modelOf(away, "zh").network, "离线");
});

test("the reconnect control is disabled during an attempt", () => {
  const first = modelOf({ state: "connecting", attempts: 1 });
  assert.equal(first.text, "Connecting to the server.");
  assert.equal(first.enabled.reconnect, false);
  const third = modelOf({ state: "connecting", attempts: 3 });
  assert.equal(third.text, "Connecting to the server, attempt 3.");
});

test("unstable", () => {
  const model = modelOf({ state: "unstable" });
  assert.equal(model.text, "The server is silent. Checking whether it still answers.");
  assert.equal(model.enabled.ping, true);
});

test("connected and degraded", () => {
  const model = modelOf({ degraded: true });
  assert.deepEqual(
    [model.displayState, model.word, model.note],
    ["degraded", "connected", "but limited"],
  );
  assert.match(model.text, /^Connected, but the server cannot reach its data/);
  assert.equal(announcement("degraded", translations("en")), "connected but limited");
  assert.equal(announcement("unstable", translations("en")), "unstable");
  const chinese = modelOf({ degraded: true }, "zh-hans");
  assert.deepEqual([chinese.word, chinese.note], ["已连接", "（功能受限）"]);
});

test("unstable takes precedence over degraded", () => {
  const model = modelOf({ state: "unstable", degraded: true });
  assert.deepEqual([model.displayState, model.word, model.note], ["unstable", "unstable", ""]);
});

test("ended by a final code", () => {
  const lastError = { code: 4504, reason: "too many sessions", at: NOW };
  const model = modelOf({ state: "error", reason: "too many sessions", lastError });
  assert.equal(model.text, "Ended: too many sessions. Reconnect to try again.");
  assert.equal(model.lastError, "too many sessions (4504), 14:02:11");
});

for (const [code, state, reason] of /** @type {const} */ ([
  [4501, "error", "not authenticated"],
  [4503, "disconnected", "logged out"],
])) {
  test(`${code}: the text asks for a login`, () => {
    const away = { state, reason, lastError: { code, reason, at: NOW } };
    const text = `Ended: ${reason}. Log in: this page then reconnects by itself.`;
    assert.equal(modelOf(away).text, text);
    const alone = modelOf({ ...away, autoReconnect: false });
    assert.equal(alone.text, `Ended: ${reason}. Log in, then reconnect.`);
    assert.match(modelOf(away, "zh").text, /请登录/);
  });
}

test("a restarting server", () => {
  const lastError = { code: 1001, reason: "server shutting down", at: NOW };
  const reason = "server restarting";
  const away = { state: /** @type {const} */ ("connecting"), reason, attempts: 4, lastError };
  assert.equal(modelOf(away).text, "The server is restarting.");
  const waiting = modelOf({ ...away, nextAttemptAt: NOW + 4200 });
  assert.equal(waiting.text, "The server is restarting. Next attempt in 5 secs.");
  assert.equal(waiting.lastError, "server restarting (1001), 14:02:11");
  assert.match(modelOf(away, "zh").text, /服务器正在重启/);
  const alone = { ...away, state: /** @type {const} */ ("disconnected"), autoReconnect: false };
  assert.equal(modelOf(alone).text, "Ended: server restarting. Automatic reconnecting is off.");
  assert.equal(modelOf(alone, "zh").text, "连接已结束：服务器正在重启。 自动重连已关闭。");
});

test("a reason that a person wrote is not translated", () => {
  for (const code of [4500, 4501, 4009, 4700]) {
    const lastError = { code, reason: "back at noon", at: NOW };
    const away = {
      state: /** @type {const} */ ("disconnected"),
      reason: "back at noon",
      lastError,
    };
    for (const lang of ["en", "zh-hans"]) {
      assert.match(modelOf(away, lang).text, /back at noon/);
      assert.match(modelOf(away, lang).lastError, /^back at noon \(/);
    }
  }
});

test("a reason in another direction is isolated", () => {
  const lastError = { code: 4500, reason: "عد لاحقا!", at: NOW };
  const away = { state: /** @type {const} */ ("disconnected"), reason: "عد لاحقا!", lastError };
  const isolated = "\u2068عد لاحقا!\u2069";
  assert.equal(modelOf(away).text, `Ended: ${isolated}.`);
  assert.equal(modelOf(away).lastError, `${isolated} \u2068(4500), 14:02:11\u2069`);
});

test("a standard reason is translated", () => {
  for (const reason of ["disconnected by an administrator", "code 4500"]) {
    const lastError = { code: 4500, reason, at: NOW };
    const model = modelOf({ state: "disconnected", reason, lastError }, "zh");
    assert.equal(model.text, "连接已结束：已被管理员断开。");
  }
});

test("all standard reasons of the server are known", () => {
  for (const { code, reason } of vectors("close_codes").codes)
    if (code > 4000 && code !== 4006) assert.equal(standardReason(code), reason);
});

test("an error of the browser is quoted, a blocked policy is translated", () => {
  for (const [reason, chinese] of [
    [POLICY_REASON, /内容安全策略/],
    ["no connection can be made: an insecure connection", /an insecure connection/],
  ]) {
    const lastError = { code: 1006, reason: String(reason), at: NOW };
    const away = { state: /** @type {const} */ ("error"), reason: String(reason), lastError };
    assert.match(modelOf(away, "zh").text, /** @type {RegExp} */ (chinese));
    assert.match(modelOf(away).text, /^Ended: .*(connect-src|insecure)/);
  }
});

test("given up", () => {
  const reason = "gave up after 5 attempts: connection lost";
  const model = modelOf({ state: "error", attempts: 5, reason, lastError: lost });
  assert.equal(model.text, "Gave up after 5 attempts: connection lost. Reconnect to try again.");
});

test("disconnected by an administrator", () => {
  const lastError = { code: 4500, reason: "you were loud", at: NOW };
  const model = modelOf({ state: "disconnected", reason: "you were loud", lastError });
  assert.equal(model.text, "Ended: you were loud.");
});

test("lost without automatic reconnecting", () => {
  const state = "disconnected";
  const model = modelOf({ state, reason: lost.reason, lastError: lost, autoReconnect: false });
  assert.equal(model.text, "Ended: connection lost. Automatic reconnecting is off.");
});

test("an older error is not shown as the reason", () => {
  const model = modelOf({ state: "disconnected", reason: "page frozen", lastError: lost }, "zh");
  assert.equal(model.text, "连接已结束：page frozen。");
});

test("close codes are translated", () => {
  const model = modelOf({ state: "disconnected", reason: lost.reason, lastError: lost }, "zh-hans");
  assert.equal(model.word, "已断开");
  assert.equal(model.text, "连接已结束：连接中断。");
  assert.match(model.lastError, /^连接中断 \(1006\), /);
});

test("the token is not shown", () => {
  const model = modelOf(/** @type {any} */ ({ token: "secret" }));
  assert.equal(JSON.stringify(model).includes("secret"), false);
});
