/** A client and a room as a component uses them: the common part of React hooks and Vue composables. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { clientFor, INITIAL_STATS, useOf } from "../../realtime/js/hooks/client_use.js";
import { NOT_JOINED, RoomUse } from "../../realtime/js/hooks/room_use.js";
import { connect } from "../../realtime/js/index.js";
import { Browser } from "./browser.js";
import { connectedPage, page } from "./pages.js";
import { answerRoom, publish, roomRequests } from "./room_pages.js";

const nothing = () => {};

/** As in a page. @param {() => void} body */
function withDocument(body) {
  const global = /** @type {any} */ (globalThis);
  global.document = new EventTarget();
  try {
    body();
  } finally {
    delete global.document;
  }
}

describe("the client of a component", () => {
  test("is the page's, which rendering does not connect", () => {
    withDocument(() => {
      const { sockets, environment } = new Browser();
      const options = { url: "wss://example.com/rendered/", environment };
      const client = clientFor(options);
      assert.equal(client.state, "disconnected");
      assert.equal(clientFor(options), client);
      assert.equal(sockets.length, 0);
      assert.equal(connect(options), client);
      assert.equal(sockets.length, 1);
    });
  });

  test("is the one that the options name", () => {
    const { client } = page();
    assert.equal(clientFor({ client }), client);
  });

  test("is another one for each call on a server, and keeps nothing", () => {
    assert.notEqual(clientFor({}), clientFor({}));
    assert.equal(clientFor({ url: "/shop/ws/" }).state, INITIAL_STATS.state);
    assert.equal(INITIAL_STATS.state, "disconnected");
  });

  test("has the same first stats on the server and in the page", async () => {
    const name = "../../realtime/js/hooks/client_use.js?later";
    const { now } = Date;
    Date.now = () => now() + 1000; // a page loads later than a server renders
    const later = await import(name).finally(() => {
      Date.now = now;
    });
    assert.deepEqual(later.INITIAL_STATS, INITIAL_STATS);
  });

  test("connects with its first use and disconnects one second after the last", () => {
    const { browser, client } = page();
    const use = useOf(client);
    assert.equal(useOf(client), use);
    const ends = [use.subscribe(nothing), use.subscribe(nothing)];
    browser.socket.welcome();
    ends[0]();
    browser.advance(2000);
    assert.equal(client.state, "connected");
    ends[1]();
    browser.advance(1000);
    assert.equal(client.state, "disconnected");
  });

  test("survives that a framework runs effects twice", () => {
    const { browser, client } = page();
    const use = useOf(client);
    use.subscribe(nothing)();
    use.subscribe(nothing);
    browser.socket.welcome();
    browser.advance(5000);
    assert.equal(client.state, "connected");
    assert.equal(browser.sockets.length, 1);
  });

  test("has the same stats until they change, and all subscribers learn of that", () => {
    const { browser, client } = page();
    const use = useOf(client);
    const states = ["", ""];
    const ends = states.map((_, i) =>
      use.subscribe(() => {
        states[i] = use.stats.state;
      }),
    );
    browser.socket.welcome();
    assert.deepEqual(states, ["connected", "connected"]);
    const before = use.stats;
    browser.advance(10);
    assert.equal(use.stats, before);
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
    assert.equal(use.stats.pings, before.pings + 1);
    for (const end of ends) end();
    browser.socket.receive({ type: "notice", state: "degraded" });
    assert.equal(use.stats.degraded, true);
  });
});

/** A component in the room news, whose log ends at 5. @param {object} [options] */
function component(options = {}) {
  const { browser, client } = connectedPage();
  /** @type {number[]} */
  const offsets = [];
  /** @type {any[]} */
  const resyncs = [];
  const use = new RoomUse(client, "news", () => ({
    onMessage: ({ offset }) => offsets.push(offset),
    onResync: (detail) => resyncs.push(detail),
    ...options,
  }));
  const end = use.subscribe(nothing);
  answerRoom(browser.socket, { epoch: "e", offset: 5 });
  return { browser, client, socket: browser.socket, use, end, offsets, resyncs };
}

describe("the room of a component", () => {
  test("says how the component stands to it", () => {
    const { browser, client } = connectedPage();
    const use = new RoomUse(client, "news", () => ({}));
    assert.equal(use.status, NOT_JOINED);
    let changes = 0;
    const end = use.subscribe(() => {
      changes += 1;
    });
    assert.deepEqual(
      { ...use.status, room: use.status.room?.name },
      { room: "news", joined: false, left: null, presence: null },
    );
    answerRoom(browser.socket, { epoch: "e", offset: 5 });
    assert.equal(use.status.joined, true);
    browser.socket.receive({ type: "left", room: "news" });
    assert.deepEqual([use.status.joined, use.status.left], [false, { code: null }]);
    assert.equal(changes, 3);
    end();
    assert.equal(use.status, NOT_JOINED);
  });

  test("gives each message to the listeners of the moment", () => {
    const first = /** @type {number[]} */ ([]);
    const second = /** @type {number[]} */ ([]);
    let current = first;
    const { browser, client } = connectedPage();
    const use = new RoomUse(client, "news", () => {
      const offsets = current;
      return { onMessage: ({ offset }) => offsets.push(offset) };
    });
    use.subscribe(nothing);
    answerRoom(browser.socket, { epoch: "e", offset: 5 });
    publish(browser.socket, 6);
    current = second;
    publish(browser.socket, 7);
    assert.deepEqual([first, second], [[6], [7]]);
  });

  test("goes on where the component has got to when its effects run again", async () => {
    const { browser, socket, use, end, offsets, resyncs } = component({ rewind: 2 });
    publish(socket, 6, 7);
    end();
    use.subscribe(nothing);
    await undefined;
    publish(socket, 8);
    end();
    assert.deepEqual(offsets, [6, 7, 8]);
    assert.deepEqual(resyncs, []);
    assert.deepEqual(roomRequests(browser.socket), ["join news"]);
  });

  test("learns what it has missed while it was hidden for long", () => {
    const { browser, socket, use, end, offsets, resyncs, client } = component();
    const other = client.acquire();
    publish(socket, 6);
    end();
    browser.advance(1000);
    answerRoom(socket);
    use.subscribe(nothing);
    assert.deepEqual(socket.sentOfType("join").at(-1)?.position, { epoch: "e", offset: 6 });
    answerRoom(socket, { epoch: "e", offset: 8, recovered: true });
    publish(socket, 7, 8);
    assert.deepEqual(offsets, [6, 7, 8]);
    assert.deepEqual(resyncs, []);
    other.release();
  });

  test("is none without a name", async () => {
    const { browser, client } = page();
    const use = new RoomUse(client, null, () => ({}));
    use.subscribe(nothing)();
    assert.equal(use.status.room, null);
    assert.equal(browser.sockets.length, 0);
    await assert.rejects(use.send("hi"), { code: "not_joined" });
  });
});
