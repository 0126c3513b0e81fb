/** Events: types that tsc checks, and the counts in `stats()`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { recordEvents } from "./browser.js";
import { connectedPage, page } from "./pages.js";

test("events have typed details", () => {
  const { client } = connectedPage();
  let seen = "";
  const listen = (/** @type {CustomEvent<{reason: string}>} */ { detail }) => {
    seen = detail.reason;
  };
  client.addEventListener("connection_lost", listen);
  client.addEventListener("state", ({ detail }) => {
    const { previous, attempts } = detail;
    seen += `${previous.toUpperCase()} ${attempts.toFixed()}`;
    // @ts-expect-error no such field
    assert.equal(detail.nonsense, undefined);
  });
  // @ts-expect-error no such event
  client.addEventListener("conection_lost", () => {});
  // @ts-expect-error no such event
  client.removeEventListener("conection_lost", () => {});
  client.addEventListener("state", { handleEvent: ({ detail }) => detail.attempts.toFixed() });
  client.addEventListener("left", null);
  client.removeEventListener("connection_lost", listen);
  client.disconnect();
  assert.equal(seen, "CONNECTED 0");
});

test("an answered ping counts as a pong and gives a latency", async () => {
  const { browser, client } = connectedPage();
  const latencies = recordEvents(client, "latency");
  const answer = client.ping();
  browser.advance(12);
  browser.socket.receive({ type: "pong", sequence: 1 });
  assert.equal(await answer, 12);
  assert.deepEqual(latencies, [{ latency: 12 }]);
  const { pongs, misses } = client.stats();
  assert.deepEqual([pongs, misses], [1, 0]);
});

test("a ping without an answer in time counts as a miss", async () => {
  const { browser, client } = connectedPage();
  const latencies = recordEvents(client, "latency");
  const failed = assert.rejects(client.ping(), /no answer/);
  browser.advance(9999);
  assert.equal(client.stats().misses, 0);
  browser.advance(1);
  await failed;
  assert.deepEqual(latencies, [{ latency: null }]);
  assert.equal(client.stats().misses, 1);
});

test("a connection lost in silence counts as a miss", () => {
  const { browser, client } = connectedPage();
  browser.advance(35_000);
  assert.equal(client.state, "connecting");
  assert.equal(client.stats().misses, 1);
});

test("a connection that closes does not count as a miss", async () => {
  const { browser, client } = connectedPage();
  const failed = assert.rejects(client.ping(), /has ended/);
  browser.socket.drop();
  await failed;
  assert.equal(client.stats().misses, 0);
});

test("a listener to a miss may disconnect", () => {
  const { browser, client } = connectedPage();
  client.addEventListener("latency", () => client.disconnect());
  browser.advance(35_000);
  assert.equal(client.state, "disconnected");
  assert.equal(client.stats().nextAttemptAt, null);
});

test("`stateSince` is the start of the state, not of the newest attempt", () => {
  const { browser, client } = page();
  browser.advance(1000);
  const began = browser.wall;
  client.connect();
  for (let i = 0; i < 3; i += 1) {
    browser.socket.drop();
    browser.advance(40_000);
  }
  assert.equal(client.state, "connecting");
  assert.equal(client.stats().stateSince, began);
  browser.socket.welcome();
  assert.equal(client.stats().stateSince, browser.wall);
});

test("the newest pings of both sides have their times", () => {
  const { browser, client } = connectedPage();
  const { lastPingAt, lastPongAt } = client.stats();
  assert.deepEqual([lastPingAt, lastPongAt], [null, null]);
  browser.advance(1000);
  browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
  assert.equal(client.stats().lastPingAt, browser.wall);
  const pinged = browser.wall;
  client.ping().catch(() => {});
  browser.advance(30);
  browser.socket.receive({ type: "pong", sequence: 1 });
  const { lastPingAt: ping, lastPongAt: pong } = client.stats();
  assert.deepEqual([ping, pong], [pinged, pinged + 30]);
});

test("a miss is no pong", () => {
  const { browser, client } = connectedPage();
  client.ping().catch(() => {});
  browser.advance(10_000);
  assert.equal(client.stats().lastPongAt, null);
});

test("`connectedSince` outlasts a doubt, `reconnects` counts the connections after the first", () => {
  const { browser, client } = page();
  const seen = () => {
    const { connectedSince, reconnects, transport } = client.stats();
    return [connectedSince, reconnects, transport];
  };
  assert.deepEqual(seen(), [null, 0, null]);
  client.connect();
  browser.socket.drop();
  browser.advance(1000);
  assert.deepEqual(seen(), [null, 0, null]);
  browser.socket.welcome();
  const since = browser.wall;
  browser.advance(1000);
  browser.window.dispatchEvent(new Event("offline"));
  assert.equal(client.state, "unstable");
  assert.deepEqual(seen(), [since, 0, "websocket"]);
  browser.socket.receive({ type: "pong", sequence: 1 });
  assert.deepEqual(seen(), [since, 0, "websocket"]);
  browser.socket.drop();
  assert.deepEqual(seen(), [null, 0, null]);
  browser.advance(1000);
  browser.socket.welcome();
  assert.deepEqual(seen(), [browser.wall, 1, "websocket"]);
  client.disconnect();
  assert.deepEqual(seen(), [null, 1, null]);
});

test("`online` is the browser's, `maxAttempts` the option's", () => {
  const { client } = page({ backoff: { maxAttempts: 7 } });
  assert.deepEqual([client.stats().online, client.stats().maxAttempts], [true, 7]);
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const value = { onLine: false };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  assert.equal(client.stats().online, false);
  if (before) Object.defineProperty(globalThis, "navigator", before);
  else Reflect.deleteProperty(globalThis, "navigator");
  assert.equal(page().client.stats().maxAttempts, Number.POSITIVE_INFINITY);
});

test("a hidden tab with one timer a minute keeps its connection for ten minutes", () => {
  const { browser, client } = connectedPage();
  const states = recordEvents(client, "state");
  browser.setVisibility("hidden");
  for (let minute = 0; minute < 10; minute += 1) {
    for (const half of [1, 2]) {
      browser.stall(25_000);
      browser.socket.receive({ type: "ping", sequence: 2 * minute + half, timestamp: "" });
    }
    browser.advanceThrottled(10_000);
  }
  assert.deepEqual(states, []);
  assert.equal(browser.sockets.length, 1);
  assert.equal(browser.socket.sentOfType("pong").length, 20);
});
