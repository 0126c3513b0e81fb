/** Messages of an application: kept until the server has them, sent once, in order. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { acknowledge, refuse, sentData } from "./message_pages.js";
import {
  advanceToNextAttempt,
  connectedPage,
  goodbye,
  outcomes,
  page,
  reconnected,
} from "./pages.js";

describe("sending", () => {
  test("resolves at the server's ack", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", { text: "hi" });
    assert.deepEqual(await outcomes([sent]), [""]);
    const [{ key, ...frame } = {}] = browser.socket.sentOfType("message");
    assert.deepEqual(frame, { type: "message", room: "chat", data: { text: "hi" }, id: 1 });
    assert.ok(key.length > 0 && key.length <= 64, key);
    acknowledge(browser.socket);
    assert.equal(await sent, undefined);
  });

  test("messages are sent one at a time, in order", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2, 3].map((data) => client.send("chat", data));
    assert.deepEqual(sentData(browser.socket), [1]);
    for (const _ of sent) acknowledge(browser.socket);
    assert.deepEqual(sentData(browser.socket), [1, 2, 3]);
    assert.deepEqual(await outcomes(sent), ["done", "done", "done"]);
  });

  test("each message has a random key", () => {
    const { browser, client } = connectedPage();
    Object.defineProperty(browser, "random", { get: Math.random });
    for (let data = 0; data < 5; data += 1) {
      void client.send("chat", data);
      acknowledge(browser.socket);
    }
    assert.equal(new Set(browser.socket.sentOfType("message").map(({ key }) => key)).size, 5);
  });

  test("later changes of the data are not sent", () => {
    const { browser, client } = page();
    const data = { text: "as it was" };
    void client.send("chat", data);
    data.text = "changed";
    client.connect();
    browser.socket.welcome();
    assert.deepEqual(sentData(browser.socket), [{ text: "as it was" }]);
  });

  test("an answer with another id is ignored", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.receive({ type: "ack", id: 99 });
    browser.socket.receive({ type: "error", id: 99, code: "forbidden", detail: "" });
    browser.socket.receive({ type: "error", room: "news", code: "forbidden", detail: "" });
    assert.deepEqual(await outcomes([sent]), [""]);
    assert.deepEqual(sentData(browser.socket), [1]);
  });

  test("a message waits for the join before it", () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    void client.send("chat", 1);
    assert.deepEqual(sentData(browser.socket), []);
    browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    assert.deepEqual(sentData(browser.socket), [1]);
  });

  test("a leave waits for the message before it", () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    void client.send("chat", "bye");
    client.leave("chat");
    assert.equal(browser.socket.sent.at(-1)?.type, "message");
    acknowledge(browser.socket);
    assert.equal(browser.socket.sent.at(-1)?.type, "leave");
  });
});

describe("without a connection", () => {
  for (const type of ["connection_established", "state"]) {
    test(`a request of a ${type} listener at the welcome is sent once`, () => {
      const { browser, client } = page();
      client.connect();
      const atOnce = () => {
        client.join("chat");
        void client.send("chat", "hello");
      };
      client.addEventListener(/** @type {any} */ (type), atOnce, { once: true });
      browser.socket.welcome();
      assert.deepEqual(browser.socket.sentOfType("join").length, 1);
      browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
      assert.deepEqual(sentData(browser.socket), ["hello"]);
    });
  }

  test("queued messages are sent once if a listener adds more at the welcome", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    void client.send("chat", 1);
    client.addEventListener("connection_established", () => void client.send("chat", 2));
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    assert.deepEqual(sentData(browser.socket), [1]);
    acknowledge(browser.socket);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });

  test("messages are sent in order after the welcome", async () => {
    const { browser, client } = page();
    const sent = [1, 2].map((data) => client.send("chat", data));
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent.length, 1);
    browser.socket.welcome();
    acknowledge(browser.socket);
    acknowledge(browser.socket);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
    assert.deepEqual(await outcomes(sent), ["done", "done"]);
  });

  for (const resumed of [true, false]) {
    test(`without an ack the message is sent again with the same key (resumed: ${resumed})`, async () => {
      const page = connectedPage();
      const first = page.browser.socket;
      const sent = [1, 2].map((data) => page.client.send("chat", data));
      const socket = reconnected(page, { resumed });
      acknowledge(socket);
      acknowledge(socket);
      assert.deepEqual(sentData(socket), [1, 2]);
      assert.equal(socket.sentOfType("message")[0]?.key, first.sentOfType("message")[0]?.key);
      assert.deepEqual(await outcomes(sent), ["done", "done"]);
      assert.deepEqual(sentData(reconnected(page)), []);
    });
  }

  test("joins are sent before messages", () => {
    const page = connectedPage();
    page.client.join("chat");
    page.browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    void page.client.send("chat", 1);
    const socket = reconnected(page); // the welcome leaves the room out
    assert.deepEqual(sentData(socket), []);
    const { id } = socket.sentOfType("join")[0] ?? {};
    socket.receive({ type: "error", id, room: "chat", code: "unavailable", detail: "" });
    page.browser.advance(500);
    assert.deepEqual(sentData(socket), []);
    const again = socket.sentOfType("join")[1]?.id;
    socket.receive({
      type: "joined",
      id: again,
      room: "chat",
      epoch: "e",
      offset: 1,
      recovered: true,
    });
    assert.deepEqual(sentData(socket), [1]);
  });

  test("a frame listener that sends more causes no duplicate", () => {
    const { browser, client } = connectedPage();
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.data === 1) void client.send("chat", 2);
    });
    void client.send("chat", 1);
    acknowledge(browser.socket);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });
});

describe("the end", () => {
  test("disconnect() rejects waiting and new messages until connect()", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    client.disconnect();
    sent.push(client.send("chat", 3));
    assert.deepEqual(await outcomes(sent), ["disconnected", "disconnected", "disconnected"]);
    assert.equal(browser.timers, 0);
    client.connect();
    void client.send("chat", 4);
    browser.socket.welcome();
    assert.deepEqual(sentData(browser.socket), [4]);
  });

  test("disconnect() rejects a message that waits for its pause", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    refuse(browser.socket, "unavailable");
    client.disconnect();
    assert.deepEqual(await outcomes([sent]), ["disconnected"]);
    assert.equal(browser.timers, 0);
  });

  test("a final close rejects waiting messages with its reason", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.receive(goodbye(4503));
    await assert.rejects(sent, { code: "disconnected", message: "reason 4503" });
    await assert.rejects(client.send("chat", 2), { code: "disconnected", message: "reason 4503" });
  });

  test("a page that is hidden, frozen or out of attempts keeps its messages", async () => {
    const { browser, client } = connectedPage({ backoff: { maxAttempts: 1 } });
    const sent = client.send("chat", 1);
    browser.document.dispatchEvent(new Event("freeze"));
    browser.document.dispatchEvent(new Event("resume"));
    browser.hidePage();
    browser.restorePage();
    browser.socket.drop();
    assert.equal(client.state, "error");
    assert.deepEqual(await outcomes([sent]), [""]);
    client.connect();
    browser.socket.welcome();
    acknowledge(browser.socket);
    await sent;
  });

  test("an error that rejects a message is a server_error event, too", () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "server_error");
    client.send("chat", 1).catch(() => {});
    refuse(browser.socket, "forbidden");
    assert.equal(errors[0]?.code, "forbidden");
  });
});
