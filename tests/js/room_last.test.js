/** `since: "last"`: a page goes on where the page before it in its tab has ended. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage } from "./browser.js";
import { connectedPage, page } from "./pages.js";
import { answerRoom, publish } from "./room_pages.js";

const RESUMED = { resumed: true, rooms: { news: { epoch: "e", offset: 9, recovered: true } } };
const NEW = { ...RESUMED, resumed: false, session: "s2" };

/** A tab whose first page has left at offset 6 of the room news. */
function tabAfterPage() {
  const tab = new FakeStorage();
  const { browser, client } = connectedPage({}, new Browser(tab));
  client.room("news");
  answerRoom(browser.socket, { epoch: "e", offset: 5 });
  publish(browser.socket, 6);
  browser.hidePage();
  return tab;
}

/** The next page in the tab, before its welcome. @param {FakeStorage} tab */
function nextPage(tab, { isConnected = false } = {}) {
  const { browser, client } = page({}, new Browser(tab));
  if (isConnected) client.connect();
  const handle = client.room("news", { since: "last" });
  const messages = /** @type {number[]} */ ([]);
  const resyncs = /** @type {any[]} */ ([]);
  handle.on("message", ({ offset }) => messages.push(offset));
  handle.on("resync", (detail) => resyncs.push(detail));
  if (!isConnected) client.connect();
  browser.socket.open();
  return { browser, client, socket: browser.socket, messages, resyncs };
}

describe("the next page", () => {
  for (const isConnected of [true, false]) {
    test(`goes on, opened ${isConnected ? "after" : "before"} connect()`, () => {
      const { socket, messages, resyncs } = nextPage(tabAfterPage(), { isConnected });
      assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
      socket.welcome(RESUMED);
      publish(socket, 7, 8, 9, 10);
      assert.deepEqual([messages, resyncs], [[7, 8, 9, 10], []]);
    });
  }

  test("goes on with a handle that is opened later", () => {
    const tab = tabAfterPage();
    const { browser, client } = connectedPage({}, new Browser(tab), { resumed: true });
    client.room("news", { since: "last" });
    const { position } = browser.socket.sentOfType("join")[0] ?? {};
    assert.deepEqual(position, { epoch: "e", offset: 6 });
  });

  test("begins now without its option, and in a room that was not joined", () => {
    const { browser, client } = page({}, new Browser(tabAfterPage()));
    client.room("news");
    client.room("other", { since: "last" });
    client.room("constructor", { since: "last" });
    client.connect();
    browser.socket.open();
    const expected = { news: null, other: null, constructor: null };
    assert.deepEqual(browser.socket.sent[0]?.rooms, expected);
  });

  test("begins now, with a resync, if the session is not resumed", () => {
    const { browser, client, socket, messages, resyncs } = nextPage(tabAfterPage());
    socket.welcome(NEW);
    assert.deepEqual(resyncs, [{ reason: "unknown", initial: true }]);
    publish(socket, 7, 8, 9, 10);
    assert.deepEqual(messages, [10]);
    const late = client.room("news", { since: "last" });
    late.on("resync", (detail) => resyncs.push(detail));
    return new Promise((resolve) => queueMicrotask(() => resolve(undefined))).then(() => {
      assert.equal(resyncs.length, 2);
      assert.equal(browser.socket.sentOfType("join").length, 0);
    });
  });

  test("goes on from its own position once it has begun, whichever session it has", () => {
    const { browser, client, socket, resyncs } = nextPage(tabAfterPage());
    socket.welcome(RESUMED);
    socket.drop();
    browser.advance(1000);
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
    browser.socket.welcome(NEW);
    publish(browser.socket, 7);
    assert.deepEqual(resyncs, []);
    client.disconnect();
  });

  test("learns from a log that does not reach back, without a loop", () => {
    const { socket, resyncs } = nextPage(tabAfterPage());
    const news = { epoch: "e", offset: 900, recovered: false, reason: "expired" };
    socket.welcome({ resumed: true, rooms: { news } });
    assert.deepEqual(resyncs, [{ reason: "expired", initial: true }]);
  });
});

describe("over two reloads", () => {
  test("a page that was never welcomed hands on what it found", () => {
    const tab = tabAfterPage();
    const between = page({}, new Browser(tab));
    between.client.connect();
    between.browser.socket.open();
    between.client.room("other");
    between.browser.hidePage();
    const { socket } = nextPage(tab);
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
  });

  test("a page that has begun and was never welcomed leaves a notice", () => {
    const tab = new FakeStorage();
    const first = page({}, new Browser(tab));
    first.client.room("news", { since: "e:6" });
    first.client.connect();
    first.browser.hidePage();
    const { socket, messages, resyncs } = nextPage(tab);
    assert.equal(socket.sent[0]?.resume, undefined);
    socket.welcome(NEW);
    assert.deepEqual(resyncs, [{ reason: "unknown", initial: true }]);
    publish(socket, 10);
    assert.deepEqual(messages, [10]);
  });

  test("a page that was never welcomed hands on the lowest position", () => {
    const tab = new FakeStorage();
    const first = connectedPage({}, new Browser(tab));
    first.client.room("news");
    answerRoom(first.browser.socket, { epoch: "e", offset: 8 });
    first.browser.hidePage();
    const between = page({}, new Browser(tab));
    between.client.connect();
    between.client.room("news", { since: "e:9" });
    between.client.room("news", { since: "last" });
    between.browser.hidePage();
    const { socket } = nextPage(tab);
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 8 } });
  });

  test("a page that was welcomed and not in the room does not", () => {
    const tab = tabAfterPage();
    const between = connectedPage({}, new Browser(tab), { resumed: true });
    between.browser.hidePage();
    const { socket } = nextPage(tab);
    assert.deepEqual(socket.sent[0]?.rooms, { news: null });
  });

  test("a page from the back-forward cache keeps its own position", () => {
    const tab = new FakeStorage();
    const first = connectedPage({}, new Browser(tab));
    first.client.room("news", { since: "e:3" });
    answerRoom(first.browser.socket, { epoch: "e", offset: 3, recovered: true });
    first.browser.hidePage();
    const { browser, socket } = nextPage(tab);
    socket.welcome({ ...RESUMED, rooms: { news: { epoch: "e", offset: 4, recovered: true } } });
    publish(socket, 4);
    browser.hidePage();
    first.browser.restorePage();
    first.browser.socket.open();
    assert.deepEqual(first.browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 3 } });
  });

  test("another script's nonsense in the storage is no position", () => {
    const tab = tabAfterPage();
    for (const nonsense of [5, "news", [1], { news: 7 }, { news: { epoch: "e", offset: -1 } }]) {
      const [[key, value]] = /** @type {[[string, string]]} */ ([...tab.items]);
      tab.setItem(key, JSON.stringify({ ...JSON.parse(value), rooms: nonsense }));
      const copy = tab.copy();
      const { socket } = nextPage(copy);
      assert.deepEqual(socket.sent[0]?.rooms, { news: null });
    }
  });
});
