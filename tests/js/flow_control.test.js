/** Flow control: the client counts all publications and acknowledges them in time. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { tick } from "./message_pages.js";
import { connectedPage } from "./pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */

/**
 * @param {FakeSocket} socket
 * @param {number} first offset
 * @param {number} last
 */
function publishes(socket, first, last, data = {}) {
  for (let offset = first; offset <= last; offset += 1) {
    socket.receive({ type: "publication", room: "news", offset, time: 1, data });
  }
}

/** @param {FakeSocket} socket */
function counts(socket) {
  return socket.sentOfType("received").map(({ count }) => count);
}

/** @param {object} [welcome] */
function inNews(welcome) {
  const { browser, client } = connectedPage({}, undefined, {
    rooms: { news: { epoch: "e", offset: 0 } },
    ...welcome,
  });
  return { browser, client, socket: browser.socket };
}

describe("received", () => {
  test("is in each pong and counts all publications since the welcome", () => {
    const { browser, client, socket } = inNews();
    client.join("news");
    socket.receive({ type: "joined", id: 1, room: "news", epoch: "e", offset: 0 });
    publishes(socket, 1, 3);
    publishes(socket, 2, 3);
    socket.receive({ type: "publication", room: "elsewhere", offset: 9, time: 1, data: 1 });
    socket.receive({ type: "ping", sequence: 1, timestamp: "", delivered: 6 });
    assert.equal(socket.sentOfType("pong")[0]?.received, 6);
    socket.drop();
    browser.advance(1000);
    browser.socket.welcome();
    browser.socket.receive({ type: "ping", sequence: 1, timestamp: "", delivered: 0 });
    assert.equal(browser.socket.sentOfType("pong")[0]?.received, 0);
  });

  test("is sent after a quarter of the window", () => {
    const { socket } = inNews({ window: 16 });
    publishes(socket, 1, 3);
    assert.deepEqual(counts(socket), []);
    publishes(socket, 4, 9);
    assert.deepEqual(counts(socket), [4, 8]);
  });

  test("is sent after a quarter of the window's bytes: UTF-8, whole frames", () => {
    const { socket } = inNews({ window_bytes: 4000 });
    publishes(socket, 1, 1, "x".repeat(600));
    assert.deepEqual(counts(socket), []);
    publishes(socket, 2, 2, "x".repeat(600));
    assert.deepEqual(counts(socket), [2]);
    publishes(socket, 3, 3, "x".repeat(600));
    assert.deepEqual(counts(socket), [2]);
    publishes(socket, 4, 4, "…".repeat(120));
    assert.deepEqual(counts(socket), [2, 4]);
  });

  test("a pong acknowledges, too", () => {
    const { socket } = inNews({ window: 16 });
    publishes(socket, 1, 3);
    socket.receive({ type: "ping", sequence: 1, timestamp: "", delivered: 3 });
    publishes(socket, 4, 6);
    assert.deepEqual(counts(socket), []);
    publishes(socket, 7, 7);
    assert.deepEqual(counts(socket), [7]);
  });

  test("a window of one is acknowledged one by one", () => {
    const { socket } = inNews({ window: 1 });
    publishes(socket, 1, 3);
    assert.deepEqual(counts(socket), [1, 2, 3]);
  });

  test("a listener that throws changes neither the count nor the position", async () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    client.join("news");
    socket.receive({ type: "joined", id: 1, room: "news", epoch: "e", offset: 0 });
    client.addEventListener("message", () => {
      throw new Error("a listener's own");
    });
    const messages = recordEvents(client, "message");
    /** @type {Error[]} */
    const thrown = [];
    process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error));
    publishes(socket, 1, 2);
    await tick();
    process.setUncaughtExceptionCaptureCallback(null);
    assert.deepEqual(
      thrown.map(({ message }) => message),
      ["a listener's own", "a listener's own"],
    );
    assert.equal(messages.length, 2);
    socket.receive({ type: "ping", sequence: 1, timestamp: "", delivered: 2 });
    assert.equal(socket.sentOfType("pong")[0]?.received, 2);
    socket.drop();
    browser.advance(1000);
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 2 } });
  });
});
