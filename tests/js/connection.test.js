/** One connection: opening, pings, notices, frames. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

const manifest = new URL("../../realtime/js/package.json", import.meta.url);
const name = `realtime-js/${JSON.parse(readFileSync(manifest, "utf8")).version}`;

describe("opening", () => {
  test("hello is the first frame, in the agreed subprotocol", () => {
    const { browser, client } = page();
    client.connect();
    assert.equal(browser.socket.url, "wss://example.com/ws/");
    assert.equal(browser.socket.protocol, "realtime.v1");
    browser.socket.open();
    assert.deepEqual(browser.socket.sent, [
      { type: "hello", protocol: 1, client: name, rooms: {}, visibility: "visible" },
    ]);
  });

  test("hello names at most 1000 rooms; the client joins the others one by one", () => {
    const { browser, client } = page();
    for (let i = 0; i < 1000; i += 1) client.join(`room:${i}`);
    client.connect();
    const position = { epoch: "e", offset: 5 };
    const named = () => {
      browser.socket.open();
      return Object.keys(browser.socket.sent[0]?.rooms).map((room) => [room, position]);
    };
    browser.socket.welcome({ rooms: Object.fromEntries([...named(), ["user:17", position]]) });
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    const rooms = named().map(([room]) => [room, { ...position, recovered: true }]);
    assert.equal(rooms.length, 1000);
    // The server joins the user's own room unasked, without `recovered`.
    const own = ["user:17", { epoch: "e", offset: 7 }];
    browser.socket.welcome({ rooms: Object.fromEntries([...rooms, own]) });
    assert.deepEqual(browser.socket.sentOfType("join"), [
      { type: "join", id: 1, room: "user:17", position },
    ]);
  });

  test("a welcome makes the client connected, not an open socket", () => {
    const { browser, client } = page();
    const established = recordEvents(client, "connection_established");
    client.connect();
    browser.socket.open();
    assert.equal(client.state, "connecting");
    browser.socket.welcome();
    assert.equal(client.state, "connected");
    assert.deepEqual(established, [{ session: "s1", user: "17", resumed: false, attempts: 1 }]);
  });

  test("an attempt without a welcome ends after 10 s", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    browser.advance(9999);
    assert.equal(browser.socket.closedWith, null);
    browser.advance(1);
    assert.equal(browser.socket.closedWith, "none");
    assert.equal(client.stats().lastError?.reason, "no answer within 10 s");
    browser.advance(1000);
    assert.equal(browser.sockets.length, 2);
  });

  test("http addresses become ws addresses", () => {
    assert.equal(page({ url: "https://example.com/x/" }).client.url, "wss://example.com/x/");
    assert.equal(
      page({ url: "http://example.com:8000/x/" }).client.url,
      "ws://example.com:8000/x/",
    );
  });

  test("connecting twice opens one socket", () => {
    const { browser, client } = page();
    client.connect();
    client.connect();
    assert.equal(browser.sockets.length, 1);
  });
});

describe("pings", () => {
  test("the client answers a ping within the network callback", () => {
    const { browser } = connectedPage();
    const timestamp = "2026-11-20T12:00:00.000Z";
    browser.socket.receive({ type: "ping", sequence: 12, timestamp, server_time: 1, delivered: 0 });
    assert.deepEqual(browser.socket.sentOfType("pong"), [
      {
        type: "pong",
        sequence: 12,
        timestamp,
        client_time: browser.wall,
        received: 0,
        ping_count: 1,
      },
    ]);
  });

  test("ping_count counts one connection, stats count all", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
    browser.socket.receive({ type: "ping", sequence: 2, timestamp: "" });
    browser.socket.drop();
    browser.advance(1000);
    browser.socket.welcome();
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
    assert.equal(browser.socket.sentOfType("pong")[0]?.ping_count, 1);
    assert.equal(client.stats().pings, 3);
  });

  test("the client's own ping measures the latency", async () => {
    const { browser, client } = connectedPage();
    const latency = client.ping();
    const again = client.ping();
    const [ping, ...others] = browser.socket.sentOfType("ping");
    assert.deepEqual(ping, { type: "ping", sequence: 1, client_time: browser.wall });
    assert.deepEqual(others, []);
    browser.advance(42);
    browser.socket.receive({ type: "pong", sequence: 1 });
    assert.deepEqual(await Promise.all([latency, again]), [42, 42]);
    assert.equal(client.stats().latency, 42);
    assert.equal(client.stats().pongs, 1);
  });

  test("an unexpected pong is ignored", () => {
    const { browser, client } = connectedPage();
    void client.ping();
    browser.socket.receive({ type: "pong", sequence: 7 });
    assert.equal(client.stats().pongs, 0);
    browser.socket.receive({ type: "pong", sequence: 1 });
    browser.socket.receive({ type: "pong", sequence: 1 });
    assert.equal(client.stats().pongs, 1);
  });

  test("a ping without an answer is rejected; the next one is sent", async () => {
    const { browser, client } = connectedPage();
    const latency = client.ping();
    browser.advance(9000);
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
    browser.advance(1000);
    await assert.rejects(latency, /no answer/);
    void client.ping();
    assert.equal(browser.socket.sentOfType("ping").at(-1)?.sequence, 2);
  });

  test("a ping is rejected when its connection ends, and without a connection", async () => {
    const { browser, client } = connectedPage();
    const latency = client.ping();
    client.disconnect();
    await assert.rejects(latency, /ended/);
    assert.equal(browser.timers, 0);
    await assert.rejects(client.ping(), /not connected/);
  });

  test("a silent server makes the client unstable, then connecting", () => {
    const { browser, client } = connectedPage();
    const states = recordEvents(client, "state");
    browser.advance(30_000);
    assert.equal(client.state, "unstable");
    assert.equal(browser.socket.sentOfType("ping").length, 1);
    browser.advance(5000);
    assert.deepEqual(
      states.map(({ state }) => state),
      ["unstable", "connecting"],
    );
    assert.equal(browser.socket.closedWith, "none");
  });

  test("an answer to the probe makes the client connected again", () => {
    const { browser, client } = connectedPage();
    browser.advance(30_000);
    browser.socket.receive({ type: "pong", sequence: 1 });
    assert.equal(client.state, "connected");
  });
});

describe("notices", () => {
  test("a notice sets and clears `degraded`", () => {
    const { browser, client } = connectedPage();
    const notices = recordEvents(client, "notice");
    assert.equal(client.degraded, false);
    browser.socket.receive({ type: "notice", state: "degraded" });
    assert.equal(client.degraded, true);
    assert.equal(client.stats().degraded, true);
    assert.equal(client.state, "connected");
    browser.socket.receive({ type: "notice", state: "ok" });
    assert.equal(client.degraded, false);
    assert.deepEqual(notices, [{ state: "degraded" }, { state: "ok" }]);
  });

  test("`degraded` has changed when the notice event comes", () => {
    const { browser, client } = connectedPage();
    /** @type {boolean[]} */
    const found = [];
    client.addEventListener("notice", () => found.push(client.degraded));
    browser.socket.receive({ type: "notice", state: "degraded" });
    assert.deepEqual(found, [true]);
  });

  test("a new connection is not degraded", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive({ type: "notice", state: "degraded" });
    browser.socket.drop();
    assert.equal(client.degraded, false);
    browser.advance(1000);
    browser.socket.welcome();
    assert.equal(client.degraded, false);
  });

  test("a disconnected client is not degraded", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive({ type: "notice", state: "degraded" });
    client.disconnect();
    assert.equal(client.degraded, false);
  });

  test("a notice of an unknown state is ignored", () => {
    const { browser, client } = connectedPage();
    const notices = recordEvents(client, "notice");
    browser.socket.receive({ type: "notice", state: "degraded" });
    for (const state of ["sleepy", 7, null, undefined])
      browser.socket.receive({ type: "notice", state });
    assert.equal(client.degraded, true);
    assert.equal(notices.length, 1);
  });
});

describe("frames", () => {
  test("unknown frames are ignored", () => {
    const { browser, client } = connectedPage();
    for (const type of ["tea", "constructor", "__proto__"]) browser.socket.receive({ type });
    for (const data of ["{", "null", "[]", "7", '{"type":5}', new ArrayBuffer(3)]) {
      browser.socket.onmessage?.({ data });
    }
    assert.equal(client.state, "connected");
    assert.equal(browser.sockets.length, 1);
  });

  test("an error frame becomes a server_error event", () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "server_error");
    browser.socket.receive({ type: "error", code: "rate_limited", detail: "too fast" });
    assert.deepEqual(errors, [{ type: "error", code: "rate_limited", detail: "too fast" }]);
    assert.equal(client.state, "connected");
  });

  test("each frame becomes a frame event, in the order of the wire", () => {
    const { browser, client } = connectedPage();
    const frames = recordEvents(client, "frame");
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
    assert.deepEqual(
      frames.map(({ direction, frame }) => `${direction} ${frame.type}`),
      ["in ping", "out pong"],
    );
  });

  test("a frame listener may disconnect", () => {
    const { browser, client } = page();
    client.addEventListener("frame", (event) => {
      const { frame } = /** @type {CustomEvent} */ (event).detail;
      if (frame.type === "welcome") client.disconnect();
    });
    client.connect();
    browser.socket.welcome();
    assert.equal(client.state, "disconnected");
    assert.equal(browser.timers, 0);
  });

  test("a listener to the probe's ping may disconnect", () => {
    const { browser, client } = connectedPage();
    client.addEventListener("frame", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.frame.type === "ping") client.disconnect();
    });
    const states = recordEvents(client, "state");
    browser.advance(30_000);
    assert.deepEqual(
      states.map(({ state }) => state),
      ["disconnected"],
    );
    assert.equal(browser.timers, 0);
  });

  test("a second welcome is ignored", () => {
    const { browser, client } = connectedPage();
    browser.socket.welcome({ session: "s2" });
    assert.equal(client.stats().session, "s1");
  });
});
