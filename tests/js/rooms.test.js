/** Rooms: joins, leaves, refusals and their events. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { connectedPage, page } from "./pages.js";
import { answerRoom, pageInNews, publish, reopened, roomRequests } from "./room_pages.js";

describe("joining", () => {
  test("hello names rooms that were joined before, without a position", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.join("news");
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: null });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(joined, [{ room: "news", offset: 5, recovered: null }]);
    assert.deepEqual(roomRequests(browser.socket), []);
  });

  test("a connected client sends one join", () => {
    const { browser, client } = connectedPage();
    client.join("news");
    client.join("news");
    const [join, ...others] = browser.socket.sentOfType("join");
    assert.deepEqual(join, { type: "join", room: "news", position: null, id: 1 });
    assert.deepEqual(others, []);
  });

  test("a join between hello and welcome is sent after the welcome", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    client.join("news");
    assert.deepEqual(roomRequests(browser.socket), []);
    browser.socket.welcome();
    assert.deepEqual(roomRequests(browser.socket), ["join news"]);
  });

  test("a listener that disconnects at the welcome gets no joined events", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.addEventListener("connection_established", () => client.disconnect());
    client.join("news");
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(joined, []);
  });

  test("a leave between hello and welcome is sent after the welcome", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.connect();
    browser.socket.open();
    client.leave("news");
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(roomRequests(browser.socket), ["leave news"]);
    assert.deepEqual(joined, []);
  });

  test("publications become message events", () => {
    const { socket, messages } = pageInNews();
    publish(socket, 6, 7);
    assert.deepEqual(messages, [
      { room: "news", data: "n6", offset: 6, time: 7 },
      { room: "news", data: "n7", offset: 7, time: 7 },
    ]);
  });

  test("after a leave no messages come, and the next hello does not name the room", () => {
    const page = pageInNews();
    page.client.leave("news");
    page.client.leave("news");
    publish(page.socket, 6);
    assert.deepEqual(roomRequests(page.socket), ["join news", "leave news"]);
    assert.deepEqual(page.messages, []);
    assert.deepEqual(reopened(page).sent[0]?.rooms, {});
  });

  test("after leave and join without an answer the second answer sets the position", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    const messages = recordEvents(client, "message");
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.leave("news");
    client.join("news");
    answerRoom(socket, { epoch: "e", offset: 5 });
    publish(socket, 6);
    answerRoom(socket);
    answerRoom(socket, { epoch: "e", offset: 7 });
    publish(socket, 8);
    assert.deepEqual(roomRequests(socket), ["join news", "leave news", "join news"]);
    assert.deepEqual(joined, [{ room: "news", offset: 7, recovered: null }]);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [8],
    );
  });

  test("requests about a room are sent one at a time, in order", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    for (const room of ["a", "b"]) client.join(room);
    client.leave("a");
    client.join("a");
    assert.deepEqual(roomRequests(socket), ["join a", "join b"]);
    const [{ id } = {}] = socket.sentOfType("join");
    socket.receive({ type: "joined", id, room: "a", epoch: "e", offset: 0 });
    answerRoom(socket);
    assert.deepEqual(roomRequests(socket), ["join a", "join b", "leave a", "join a"]);
  });

  test("names of Object.prototype are valid room names", () => {
    const { browser, client } = page();
    client.join("__proto__");
    client.connect();
    browser.socket.open();
    assert.deepEqual(Object.keys(browser.socket.sent[0]?.rooms), ["__proto__"]);
  });
});

describe("the user's own room", () => {
  test("is joined unasked, and continues after a reconnect", () => {
    const { browser, client } = connectedPage({}, undefined, {
      rooms: { "user:17": { epoch: "a", offset: 7 } },
    });
    const messages = recordEvents(client, "message");
    const data = { text: "shipped" };
    browser.socket.receive({ type: "publication", room: "user:17", offset: 8, time: 1, data });
    assert.deepEqual(messages, [{ room: "user:17", data, offset: 8, time: 1 }]);
    const socket = reopened({ browser, client });
    assert.deepEqual(socket.sent[0]?.rooms, { "user:17": { epoch: "a", offset: 8 } });
  });

  test("is dropped after another user has logged in", () => {
    const { browser, client } = connectedPage({}, undefined, {
      rooms: { "user:17": { epoch: "a", offset: 7 } },
    });
    const left = recordEvents(client, "left");
    const socket = reopened({ browser, client });
    socket.welcome({ user: "18", rooms: { "user:18": { epoch: "b", offset: 0 } } });
    answerRoom(socket, { type: "error", code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "user:17", code: "forbidden" }]);
    assert.deepEqual(Object.keys(reopened({ browser, client }).sent[0]?.rooms), ["user:18"]);
  });
});

describe("refusals", () => {
  test("a final refusal is a left event, and the room is forgotten", () => {
    const { browser, client } = connectedPage();
    const left = recordEvents(client, "left");
    client.join("secret");
    answerRoom(browser.socket, { type: "error", code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "secret", code: "forbidden" }]);
    assert.deepEqual(reopened({ browser, client }).sent[0]?.rooms, {});
  });

  test("a room that the welcome leaves out is joined by a request", () => {
    const page = pageInNews();
    const left = recordEvents(page.client, "left");
    const socket = reopened(page);
    socket.welcome();
    socket.receive({ type: "error", room: "news", code: "forbidden", detail: "" });
    assert.deepEqual(socket.sentOfType("join"), [
      { type: "join", room: "news", position: { epoch: "e", offset: 5 }, id: 3 },
    ]);
    assert.deepEqual(left, []);
    answerRoom(socket, { type: "error", code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "news", code: "forbidden" }]);
  });

  for (const code of ["unavailable", "rate_limited"]) {
    test(`${code}: the client repeats the join with backoff`, () => {
      const { browser, client } = connectedPage();
      const { socket } = browser;
      const left = recordEvents(client, "left");
      client.join("news");
      for (const [round, pause] of [500, 1000, 2000, 4000, 5000, 5000].entries()) {
        answerRoom(socket, { type: "error", code, detail: "" });
        browser.advance(pause - 1);
        assert.equal(socket.sentOfType("join").length, round + 1);
        browser.advance(1);
        assert.equal(socket.sentOfType("join").length, round + 2);
        socket.receive({ type: "pong", sequence: 1 });
      }
      answerRoom(socket, { epoch: "e", offset: 0 });
      assert.deepEqual(left, []);
    });
  }

  test("an unavailable room does not block others", () => {
    const { browser, client } = connectedPage();
    client.join("a");
    answerRoom(browser.socket, { type: "error", code: "unavailable", detail: "" });
    client.join("b");
    answerRoom(browser.socket, { epoch: "e", offset: 0 });
    assert.deepEqual(roomRequests(browser.socket), ["join a", "join b"]);
    browser.advance(500);
    assert.deepEqual(roomRequests(browser.socket), ["join a", "join b", "join a"]);
  });

  test("an unasked left frame is a left event", () => {
    const page = pageInNews();
    const left = recordEvents(page.client, "left");
    page.socket.receive({ type: "left", room: "news" });
    publish(page.socket, 6);
    assert.deepEqual(left, [{ room: "news", code: null }]);
    assert.deepEqual(page.messages, []);
    assert.deepEqual(reopened(page).sent[0]?.rooms, {});
    page.client.join("news");
    assert.deepEqual(page.browser.socket.sentOfType("join"), []);
  });

  test("frames about a room that was left are ignored", () => {
    const { browser, client } = connectedPage();
    const left = recordEvents(client, "left");
    client.join("news");
    client.leave("news");
    answerRoom(browser.socket, { type: "error", code: "forbidden", detail: "" });
    answerRoom(browser.socket, { type: "error", code: "not_joined", detail: "" });
    assert.deepEqual(left, [{ room: "news", code: "left" }]);
  });

  test("disconnect() keeps the rooms for the next connection", () => {
    const { browser, client, socket } = pageInNews();
    publish(socket, 6);
    client.disconnect();
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
  });

  test("a new connection does not wait for the pause", () => {
    const page = connectedPage();
    page.client.join("news");
    answerRoom(page.browser.socket, { type: "error", code: "unavailable", detail: "" });
    const socket = reopened(page);
    socket.welcome();
    assert.deepEqual(roomRequests(socket), ["join news"]);
  });
});
