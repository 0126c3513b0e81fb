/** Positions in rooms, and what follows them after a reconnect. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage } from "./browser.js";
import { connectedPage, page } from "./pages.js";
import { answerRoom, pageInNews, publish, reopened } from "./room_pages.js";

describe("positions", () => {
  test("move with publications; hello names them", () => {
    const page = pageInNews();
    publish(page.socket, 6, 7);
    const socket = reopened(page);
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 7 } });
    socket.welcome({ rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    publish(socket, 8);
    assert.deepEqual(reopened(page).sent[0]?.rooms, { news: { epoch: "e", offset: 8 } });
    assert.deepEqual(page.resyncs, []);
    assert.deepEqual(page.joined.at(-1), { room: "news", offset: 9, recovered: true });
  });

  test("an outage before the recovered publications keeps the position", () => {
    const page = pageInNews();
    const socket = reopened(page);
    socket.welcome({ rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    assert.deepEqual(reopened(page).sent[0]?.rooms, { news: { epoch: "e", offset: 5 } });
  });

  test("a duplicate publication is no message", () => {
    const { socket, messages } = pageInNews();
    publish(socket, 4, 5, 6, 6, 5, 7);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [6, 7],
    );
  });

  for (const [reason, epoch, offset] of /** @type {[string, string, number][]} */ ([
    ["expired", "e", 900],
    ["epoch_changed", "f", 2],
    ["ahead", "e", 2],
  ])) {
    test(`not recovered (${reason}): a resync event, and the log's end as the position`, () => {
      const page = pageInNews();
      const socket = reopened(page);
      const entry = { epoch, offset, recovered: false, reason };
      socket.welcome({ rooms: { news: entry } });
      assert.deepEqual(page.resyncs, [{ room: "news", reason }]);
      publish(socket, offset + 1);
      assert.deepEqual(page.messages.at(-1)?.offset, offset + 1);
      const { news } = reopened(page).sent[0]?.rooms ?? {};
      assert.deepEqual(news, { epoch, offset: offset + 1 });
    });
  }

  test("a joined frame while connected: a resync event, and a new position", () => {
    const { socket, messages, resyncs } = pageInNews();
    const reason = "epoch_changed";
    socket.receive({
      type: "joined",
      room: "news",
      epoch: "f",
      offset: 1,
      recovered: false,
      reason,
    });
    publish(socket, 2);
    assert.deepEqual(resyncs, [{ room: "news", reason }]);
    assert.deepEqual(messages, [{ room: "news", data: "n2", offset: 2, time: 7 }]);
  });

  test("a skipped offset: one join from the position", () => {
    const { socket, messages } = pageInNews();
    publish(socket, 6, 8, 9);
    const joins = socket.sentOfType("join");
    assert.deepEqual(joins.at(-1)?.position, { epoch: "e", offset: 6 });
    assert.equal(joins.length, 2);
    answerRoom(socket, { epoch: "e", offset: 9, recovered: true });
    publish(socket, 7, 8, 9);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [6, 7, 8, 9],
    );
    assert.equal(socket.sentOfType("join").length, 2);
  });

  test("the position has moved when the message event comes", () => {
    const page = pageInNews();
    page.client.addEventListener("message", () => page.client.disconnect(), { once: true });
    publish(page.socket, 6);
    page.client.connect();
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
  });

  test("a page that was frozen or cached continues at its positions", () => {
    const page = pageInNews();
    publish(page.socket, 6);
    const expected = { news: { epoch: "e", offset: 6 } };
    page.browser.document.dispatchEvent(new Event("freeze"));
    page.browser.document.dispatchEvent(new Event("resume"));
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, expected);
    page.browser.hidePage();
    page.browser.restorePage();
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, expected);
  });

  test("the next page joins without a position", () => {
    const tab = new FakeStorage();
    const first = connectedPage({}, new Browser(tab));
    first.client.join("news");
    answerRoom(first.browser.socket, { epoch: "e", offset: 5 });
    first.browser.hidePage();
    const second = page({}, new Browser(tab));
    second.client.join("news");
    second.client.connect();
    second.browser.socket.open();
    assert.deepEqual(second.browser.socket.sent[0]?.rooms, { news: null });
  });
});
