/** Handles of rooms: where each begins, what it gets, and that none is the end of another. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { acknowledge, tick } from "./message_pages.js";
import { connectedPage, outcomes, page, reconnected } from "./pages.js";
import { answerRoom, publish, reopened, roomRequests } from "./room_pages.js";

/** @typedef {import("../../realtime/js/room_handle.js").RoomHandle} RoomHandle */

/** The details of a handle's events of a type: a list that grows. @param {RoomHandle} handle @param {any} type */
function record(handle, type) {
  /** @type {any[]} */
  const details = [];
  handle.on(type, (/** @type {any} */ detail) => details.push(detail));
  return details;
}

/** @param {any[]} messages */
const offsets = (messages) => messages.map(({ offset }) => offset);

/** The joins that the client sent, without their ids. @param {import("./browser.js").FakeSocket} socket */
const joins = (socket) =>
  socket.sentOfType("join").map(({ type, id, room, ...question }) => question);

/** A page with a handle of the room news, whose log ends at 5. */
function pageWithHandle(options = {}) {
  const { browser, client } = connectedPage();
  const handle = client.room("news", options);
  const recorded = {
    messages: record(handle, "message"),
    resyncs: record(handle, "resync"),
    left: record(handle, "left"),
  };
  answerRoom(browser.socket, { epoch: "e", offset: 5 });
  return { browser, client, socket: browser.socket, handle, ...recorded };
}

/** Another handle of the room news. @param {import("../../realtime/js/client.js").RealtimeClient} client */
async function another(client, options = {}) {
  const handle = client.room("news", options);
  const recorded = { messages: record(handle, "message"), resyncs: record(handle, "resync") };
  await undefined; // the microtask of handles in a room that is joined
  return { handle, ...recorded };
}

describe("a handle", () => {
  test("gets the details of its room's events", () => {
    const { socket, handle, messages } = pageWithHandle();
    publish(socket, 6);
    assert.equal(handle.name, "news");
    assert.deepEqual(messages, [{ data: "n6", offset: 6, time: 7, replayed: false }]);
  });

  test("knows its position, also after its end", () => {
    const { socket, handle } = pageWithHandle();
    publish(socket, 6);
    handle.close();
    publish(socket, 7);
    assert.deepEqual(handle.position, { epoch: "e", offset: 6 });
  });

  test("is named by the hello before it is joined", () => {
    const { browser, client } = page();
    const joined = record(client.room("news"), "joined");
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: null });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(joined, [{ offset: 5, recovered: null }]);
  });

  test("fires no events of the client, and the client's join none of the handle", () => {
    const { client, socket, messages } = pageWithHandle();
    const events = recordEvents(client, "message");
    publish(socket, 6);
    assert.deepEqual([messages.length, events.length], [1, 0]);
  });

  test("sends messages to its room", async () => {
    const { socket, handle } = pageWithHandle();
    const sent = handle.send({ text: "hi" });
    await tick();
    const [{ room, items } = {}] = socket.sentOfType("messages");
    assert.deepEqual([room, items[0].data], ["news", { text: "hi" }]);
    acknowledge(socket, { offset: 6 });
    assert.deepEqual(await sent, { epoch: "e", offset: 6 });
  });

  test("gets nothing after its close()", () => {
    const { socket, handle, messages, left } = pageWithHandle();
    handle.close();
    handle.close();
    publish(socket, 6);
    assert.deepEqual([messages, left], [[], []]);
  });

  test("closed by a listener to `joined` gets no resync", () => {
    const { browser, client } = connectedPage();
    const handle = client.room("news", { since: "" });
    const resyncs = record(handle, "resync");
    handle.on("joined", () => handle.close());
    answerRoom(browser.socket, { epoch: "e", offset: 5 });
    assert.deepEqual(resyncs, []);
  });

  test("gets `left` at a disconnect(), and goes on after a connect()", () => {
    const { browser, client, messages, left } = pageWithHandle();
    client.disconnect();
    assert.deepEqual(left, [{ code: "disconnected" }]);
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 5 } });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 6, recovered: true } } });
    publish(browser.socket, 6);
    assert.deepEqual(offsets(messages), [6]);
  });

  test("that begins now while offline begins at the welcome", () => {
    const { browser, client, socket } = pageWithHandle();
    publish(socket, 6);
    browser.socket.drop();
    const late = client.room("news");
    const messages = record(late, "message");
    browser.advance(1000);
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 8, recovered: true } } });
    publish(browser.socket, 7, 8, 9);
    assert.deepEqual(offsets(messages), [9]);
  });
});

describe("handles of one room", () => {
  test("cost one join, and each gets all", async () => {
    const { client, socket, messages } = pageWithHandle();
    const [second, third] = [await another(client), await another(client)];
    publish(socket, 6, 7);
    for (const got of [messages, second.messages, third.messages])
      assert.deepEqual(offsets(got), [6, 7]);
    assert.deepEqual(joins(socket), [{ position: null }]);
  });

  test("leave one second after the last close()", async () => {
    const { browser, client, socket, handle } = pageWithHandle();
    const second = await another(client);
    handle.close();
    browser.advance(5000);
    publish(socket, 6);
    assert.deepEqual(offsets(second.messages), [6]);
    second.handle.close();
    browser.advance(999);
    assert.deepEqual(roomRequests(socket), ["join news"]);
    browser.advance(1);
    assert.deepEqual(roomRequests(socket), ["join news", "leave news"]);
    assert.equal(browser.timers, timersOf(connectedPage()));
  });

  test("go on within that second: mount, unmount, mount", async () => {
    const { browser, client, socket, handle } = pageWithHandle();
    handle.close();
    const second = await another(client);
    browser.advance(2000);
    publish(socket, 6);
    assert.deepEqual(offsets(second.messages), [6]);
    assert.deepEqual(roomRequests(socket), ["join news"]);
  });

  test("join anew after that second", async () => {
    const { browser, client, socket, handle } = pageWithHandle();
    handle.close();
    browser.advance(1000);
    answerRoom(socket, { type: "left" });
    const second = await another(client);
    answerRoom(socket, { epoch: "e", offset: 9 });
    publish(socket, 10);
    assert.deepEqual(offsets(second.messages), [10]);
    assert.deepEqual(second.resyncs, []);
  });

  test("outlive leave(), and join() outlives close()", () => {
    const { browser, client, socket, handle, messages, left } = pageWithHandle();
    client.join("news");
    client.leave("news");
    publish(socket, 6);
    assert.deepEqual([offsets(messages), left], [[6], []]);
    client.join("news");
    handle.close();
    browser.advance(2000);
    assert.deepEqual(roomRequests(socket), ["join news"]);
    client.leave("news");
    assert.deepEqual(roomRequests(socket), ["join news", "leave news"]);
  });

  test("join() beside a handle: joined, and a gap after leave()", async () => {
    const { client, socket } = pageWithHandle();
    const [joined, messages] = [recordEvents(client, "joined"), recordEvents(client, "message")];
    const resyncs = recordEvents(client, "resync");
    client.join("news");
    await undefined;
    client.leave("news");
    publish(socket, 6);
    client.join("news");
    await undefined;
    publish(socket, 7);
    assert.deepEqual(joined, [
      { room: "news", offset: 5, recovered: null },
      { room: "news", offset: 6, recovered: false },
    ]);
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
    assert.deepEqual(messages, [{ room: "news", data: "n7", offset: 7, time: 7 }]);
  });

  test("all end when the room is refused; a new one asks again", async () => {
    const { client, socket, left } = pageWithHandle();
    const second = await another(client, { since: "e:2" });
    answerRoom(socket, { type: "error", code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ code: "forbidden" }]);
    assert.deepEqual(await outcomes([second.handle.joined]), ["forbidden"]);
    assert.deepEqual(roomRequests(socket), ["join news", "join news", "leave news"]);
    answerRoom(socket);
    await another(client);
    assert.equal(roomRequests(socket).at(-1), "join news");
  });

  test("all end with the permission", async () => {
    const { client, socket, left } = pageWithHandle();
    const second = await another(client);
    socket.receive({ type: "left", room: "news" });
    publish(socket, 6);
    assert.deepEqual(left, [{ code: null }]);
    assert.deepEqual(second.messages, []);
  });

  test("of the user's own room go on beside it", async () => {
    const rooms = { "user:17": { epoch: "a", offset: 7 } };
    const { browser, client } = connectedPage({}, undefined, { rooms });
    const events = recordEvents(client, "message");
    const handle = client.room("user:17");
    const messages = record(handle, "message");
    await undefined;
    browser.socket.receive({ type: "publication", room: "user:17", offset: 8, time: 1, data: 1 });
    handle.close();
    browser.advance(2000);
    browser.socket.receive({ type: "publication", room: "user:17", offset: 9, time: 1, data: 2 });
    assert.deepEqual([offsets(messages), offsets(events)], [[8], [8, 9]]);
    assert.deepEqual(roomRequests(browser.socket), []);
  });
});

/** @param {{browser: import("./browser.js").Browser}} page */
function timersOf({ browser }) {
  return browser.timers;
}

describe("since a position", () => {
  for (const since of ["e:3", { epoch: "e", offset: 3 }]) {
    test(`as ${JSON.stringify(since)}: the join and the hello name it`, () => {
      const { browser, client } = connectedPage();
      const messages = record(client.room("news", { since }), "message");
      assert.deepEqual(joins(browser.socket), [{ position: { epoch: "e", offset: 3 } }]);
      const socket = reopened({ browser, client });
      assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 3 } });
      socket.welcome({ rooms: { news: { epoch: "e", offset: 5, recovered: true } } });
      publish(socket, 4, 5, 6);
      assert.deepEqual(offsets(messages), [4, 5, 6]);
    });
  }

  test("behind the others: the client joins from there, and the others drop what they have", async () => {
    const { client, socket, messages } = pageWithHandle();
    publish(socket, 6);
    const behind = await another(client, { since: "e:4" });
    publish(socket, 7); // under way
    assert.deepEqual(offsets(behind.messages), []);
    answerRoom(socket, { epoch: "e", offset: 7, recovered: true });
    publish(socket, 5, 6, 7, 8);
    assert.deepEqual(offsets(behind.messages), [5, 6, 7, 8]);
    assert.deepEqual(offsets(messages), [6, 7, 8]);
    assert.deepEqual(joins(socket).at(-1), { position: { epoch: "e", offset: 4 } });
  });

  test("that the others have reached: joined at once, without a request", async () => {
    const { client, socket } = pageWithHandle();
    const handle = client.room("news", { since: "e:5" });
    const joined = record(handle, "joined");
    assert.deepEqual(await outcomes([handle.joined]), ["done"]);
    assert.deepEqual(joined, [{ offset: 5, recovered: true }]);
    assert.equal(joins(socket).length, 1);
  });

  test("a reconnect during that goes on at the lowest position", async () => {
    const page = pageWithHandle();
    publish(page.socket, 6);
    const behind = await another(page.client, { since: "e:2" });
    answerRoom(page.socket, { epoch: "e", offset: 6, recovered: true });
    publish(page.socket, 3);
    const socket = reopened(page);
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 3 } });
    socket.welcome({ rooms: { news: { epoch: "e", offset: 6, recovered: true } } });
    publish(socket, 4, 5, 6, 7);
    assert.deepEqual(offsets(behind.messages), [3, 4, 5, 6, 7]);
    assert.deepEqual(offsets(page.messages), [6, 7]);
  });

  test("many handles of one tick: one join, from the lowest", async () => {
    const { client, socket } = pageWithHandle();
    const handles = ["e:4", "e:2", "e:3"].map((since) => client.room("news", { since }));
    const received = handles.map((handle) => record(handle, "message"));
    await undefined;
    answerRoom(socket, { epoch: "e", offset: 5, recovered: true });
    publish(socket, 3, 4, 5);
    assert.deepEqual(received.map(offsets), [[5], [3, 4, 5], [4, 5]]);
    assert.deepEqual(joins(socket), [{ position: null }, { position: { epoch: "e", offset: 2 } }]);
  });

  test("expired for one: the others miss nothing, and the client asks again for them", async () => {
    const page = pageWithHandle();
    const behind = await another(page.client, { since: "e:2" });
    answerRoom(page.socket, { epoch: "e", offset: 5, recovered: true });
    const socket = reopened(page);
    const entry = { epoch: "e", offset: 9, recovered: false, reason: "expired" };
    socket.welcome({ rooms: { news: entry } });
    assert.deepEqual(behind.resyncs, [{ reason: "expired", initial: true }]);
    assert.deepEqual(joins(socket), [{ position: { epoch: "e", offset: 5 } }]);
    answerRoom(socket, { epoch: "e", offset: 9, recovered: true });
    publish(socket, 6, 7, 8, 9, 10);
    assert.deepEqual(offsets(page.messages), [6, 7, 8, 9, 10]);
    assert.deepEqual(offsets(behind.messages), [10]);
    assert.deepEqual(page.resyncs, []);
  });

  test("of another log: the server decides which one is right", async () => {
    const { client, socket, messages, resyncs } = pageWithHandle();
    const newer = await another(client, { since: "f:1" });
    assert.equal(joins(socket).length, 2);
    answerRoom(socket, { epoch: "f", offset: 2, recovered: false, reason: "epoch_changed" });
    assert.deepEqual(resyncs, [{ reason: "epoch_changed", initial: false }]);
    assert.deepEqual(newer.resyncs, []);
    answerRoom(socket, { epoch: "f", offset: 2, recovered: true });
    publish(socket, 2, 3);
    assert.deepEqual([offsets(messages), offsets(newer.messages)], [[3], [2, 3]]);
  });

  test("beyond the log's end: a resync", async () => {
    const { client, socket, resyncs } = pageWithHandle();
    const ahead = await another(client, { since: "e:50" });
    answerRoom(socket, { epoch: "e", offset: 5, recovered: true });
    assert.deepEqual(ahead.resyncs, [{ reason: "ahead", initial: true }]);
    assert.deepEqual(resyncs, []);
    publish(socket, 6);
    assert.deepEqual(offsets(ahead.messages), [6]);
  });

  test("that the log has never reached: no loss for a handle that came meanwhile", () => {
    const { browser, client } = connectedPage();
    const ahead = record(client.room("news", { since: "e:9" }), "resync");
    const messages = record(client.room("news", { since: "e:3" }), "message");
    const answer = { epoch: "e", offset: 4, recovered: false, reason: "ahead" };
    answerRoom(browser.socket, answer);
    assert.deepEqual(ahead, [{ reason: "ahead", initial: true }]);
    answerRoom(browser.socket, { epoch: "e", offset: 4, recovered: true });
    publish(browser.socket, 4);
    assert.deepEqual(offsets(messages), [4]);
  });

  test("of a handle that is opened between hello and welcome", () => {
    const page = pageWithHandle();
    const socket = reopened(page);
    page.client.room("news");
    socket.welcome({ rooms: { news: { epoch: "e", offset: 5, recovered: true } } });
    const messages = record(page.client.room("news", { rewind: 2 }), "message");
    return Promise.resolve().then(() => {
      assert.deepEqual(joins(socket), [{ rewind: 2 }]);
      answerRoom(socket, { epoch: "e", offset: 5, after: 3 });
      publish(socket, 4, 5);
      assert.deepEqual(offsets(messages), [4, 5]);
    });
  });

  test("of a room that was left since the hello: the welcome answers the old question", () => {
    const { browser, client } = page();
    const old = client.room("news", { since: "e:8" });
    client.connect();
    browser.socket.open();
    old.close();
    browser.advance(1000);
    const messages = record(client.room("news", { since: "e:3" }), "message");
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 8, recovered: true } } });
    assert.deepEqual(joins(browser.socket), [{ position: { epoch: "e", offset: 3 } }]);
    answerRoom(browser.socket, { epoch: "e", offset: 8, recovered: true });
    publish(browser.socket, 4);
    assert.deepEqual(offsets(messages), [4]);
  });

  test("unknown: from now on, with a resync", async () => {
    const { browser, client } = connectedPage();
    const resyncs = record(client.room("news", { since: "" }), "resync");
    assert.deepEqual(joins(browser.socket), [{ position: null }]);
    answerRoom(browser.socket, { epoch: "e", offset: 5 });
    const second = await another(client, { since: "" });
    for (const got of [resyncs, second.resyncs])
      assert.deepEqual(got, [{ reason: "unknown", initial: true }]);
    publish(browser.socket, 6);
    assert.deepEqual(offsets(second.messages), [6]);
  });

  test("a resync is initial until the handle has got something after its beginning", () => {
    const { browser, client } = connectedPage();
    const resyncs = record(client.room("news", { since: "e:3" }), "resync");
    answerRoom(browser.socket, { epoch: "e", offset: 3, recovered: true });
    const lost = { epoch: "e", offset: 90, recovered: false, reason: "expired" };
    reconnected({ browser, client }, { rooms: { news: lost } });
    reconnected({ browser, client }, { rooms: { news: { ...lost, offset: 180 } } });
    assert.deepEqual(resyncs, [
      { reason: "expired", initial: true },
      { reason: "expired", initial: false },
    ]);
  });
});

describe("rewind", () => {
  test("the newest first, marked as replayed; then live", () => {
    const { browser, client } = connectedPage();
    const messages = record(client.room("news", { rewind: 3 }), "message");
    assert.deepEqual(joins(browser.socket), [{ rewind: 3 }]);
    answerRoom(browser.socket, { epoch: "e", offset: 9, after: 6 });
    publish(browser.socket, 7, 8, 9, 10);
    assert.deepEqual(
      messages.map(({ offset, replayed }) => [offset, replayed]),
      [
        [7, true],
        [8, true],
        [9, true],
        [10, false],
      ],
    );
  });

  test("is in the hello, and once only: a reconnect goes on at the position", () => {
    const { browser, client } = page();
    const messages = record(client.room("news", { rewind: 50 }), "message");
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { rewind: 50 } });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 3, after: 0 } } });
    publish(browser.socket, 1);
    const socket = reopened({ browser, client });
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 1 } });
    socket.welcome({ rooms: { news: { epoch: "e", offset: 4, recovered: true } } });
    publish(socket, 2, 3, 4);
    assert.deepEqual(
      messages.map(({ replayed }) => replayed),
      [true, true, true, false],
    );
  });

  test("of several handles: one join, of the largest; others drop what they have", async () => {
    const { client, socket, messages } = pageWithHandle();
    const handles = [2, 4].map((rewind) => client.room("news", { rewind }));
    const received = handles.map((handle) => record(handle, "message"));
    await undefined;
    assert.deepEqual(joins(socket).slice(1), [{ rewind: 4 }]);
    answerRoom(socket, { epoch: "e", offset: 5, after: 1 });
    publish(socket, 2, 3, 4, 5, 6);
    assert.deepEqual(received.map(offsets), [
      [4, 5, 6],
      [2, 3, 4, 5, 6],
    ]);
    assert.deepEqual(offsets(messages), [6]);
    assert.equal(messages[0].replayed, false);
  });

  test("beside a position: the hello has the position, a join the rewind", () => {
    const { browser, client } = page();
    const messages = record(client.room("news", { since: "e:3" }), "message");
    const rewound = record(client.room("news", { rewind: 2 }), "message");
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 3 } });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    assert.deepEqual(joins(browser.socket), [{ rewind: 2 }]);
    publish(browser.socket, 4);
    answerRoom(browser.socket, { epoch: "e", offset: 9, after: 7 });
    publish(browser.socket, 8, 9);
    assert.deepEqual(joins(browser.socket).at(-1), { position: { epoch: "e", offset: 4 } });
    answerRoom(browser.socket, { epoch: "e", offset: 9, recovered: true });
    publish(browser.socket, 5, 6, 7, 8, 9, 10);
    assert.deepEqual(offsets(messages), [4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(offsets(rewound), [8, 9, 10]);
  });
});

describe("`joined`", () => {
  test("is pending while offline, resolved by the answer, also for a later handle", async () => {
    const { browser, client } = page();
    const handle = client.room("news");
    assert.deepEqual(await outcomes([handle.joined]), [""]);
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    const second = client.room("news");
    assert.deepEqual(await outcomes([handle.joined, second.joined]), ["done", "done"]);
    assert.equal(handle.joined, handle.joined);
  });

  test("is rejected with the code of a refusal, handled or not", async () => {
    const { browser, client } = connectedPage();
    const handle = client.room("secret");
    void handle.joined; // an unhandled rejection would fail the test
    answerRoom(browser.socket, { type: "error", code: "forbidden", detail: "" });
    assert.deepEqual(await outcomes([handle.joined]), ["forbidden"]);
  });

  for (const code of [4500, 4501]) {
    test(`is rejected when the server sends the client away (${code}), until the next connect()`, async () => {
      const { browser, client } = connectedPage();
      const handle = client.room("news");
      const [left, { joined }] = [record(handle, "left"), handle];
      browser.socket.receive({ type: "goodbye", code, reason: "away" });
      assert.deepEqual(left, [{ code: "disconnected" }]);
      assert.deepEqual(await outcomes([joined, handle.joined]), ["disconnected", ""]);
      client.connect();
      browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
      assert.deepEqual(await outcomes([joined, handle.joined]), ["disconnected", "done"]);
      assert.equal(left.length, 1);
    });
  }

  test("is rejected by disconnect(), and by no lost connection", async () => {
    const { browser, client } = connectedPage();
    const [handle, other] = [client.room("news"), client.room("chat")];
    const { joined } = handle;
    browser.socket.drop();
    assert.deepEqual(await outcomes([joined]), [""]);
    client.disconnect();
    assert.deepEqual(await outcomes([joined, other.joined]), ["disconnected", ""]);
  });

  test("of a joined room is pending after a disconnect(), until the next answer", async () => {
    const { browser, client } = connectedPage();
    const handle = client.room("news");
    answerRoom(browser.socket, { epoch: "e", offset: 5 });
    client.disconnect();
    assert.deepEqual(await outcomes([handle.joined]), [""]);
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5, recovered: true } } });
    assert.deepEqual(await outcomes([handle.joined]), ["done"]);
  });

  test("is rejected by close()", async () => {
    const handle = page().client.room("news");
    const { joined } = handle;
    handle.close();
    assert.deepEqual(await outcomes([joined, handle.joined]), ["left", "left"]);
  });
});

test("wrong options are a TypeError, and join nothing", () => {
  const { browser, client } = connectedPage();
  const wrong = [
    { since: "41" },
    { since: ":41" },
    { since: "k3:-1" },
    { since: `${"k".repeat(101)}:1` },
    { since: { epoch: "k3", offset: -2 } },
    { since: { offset: 2 } },
    { since: {} },
    { rewind: 1001 },
    { rewind: -1 },
    { rewind: 1.5 },
    { rewind: "50" },
    { rewind: 5, since: "k3:1" },
  ];
  for (const options of /** @type {any[]} */ (wrong))
    assert.throws(() => client.room("news", options), TypeError, JSON.stringify(options));
  for (const options of /** @type {any[]} */ ([{ since: null }, { rewind: 0 }, {}]))
    client.room("news", options);
  assert.deepEqual(roomRequests(browser.socket), ["join news"]);
});
