/** Messages of an application: kept until the server has them, sent once, in order. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import {
  acknowledge,
  answer,
  pageThatSent,
  refuse,
  sentData,
  sentFrames,
  sentItems,
  tick,
} from "./message_pages.js";
import {
  advanceToNextAttempt,
  connectedPage,
  goodbye,
  outcomes,
  page,
  reconnected,
} from "./pages.js";

/** The server lets the client into the room. @param {import("./browser.js").FakeSocket} socket */
function letIn(socket, room = "chat") {
  const { id } =
    socket
      .sentOfType("join")
      .filter((join) => join.room === room)
      .at(-1) ?? {};
  socket.receive({ type: "joined", id, room, epoch: "e", offset: 0 });
}

describe("sending", () => {
  test("resolves at the server's answer, with the position", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", { text: "hi" });
    assert.deepEqual(await outcomes([sent]), [""]);
    const [{ items, ...frame } = {}] = browser.socket.sentOfType("messages");
    assert.deepEqual(frame, { type: "messages", room: "chat", id: 1 });
    const [{ key, ...item }] = items;
    assert.deepEqual(item, { data: { text: "hi" } });
    assert.ok(key.length > 0 && key.length <= 64, key);
    acknowledge(browser.socket, { offset: 45 });
    assert.deepEqual(await sent, { epoch: "e", offset: 45 });
  });

  test("resolves with null if nothing was published", async () => {
    const { browser, client } = connectedPage();
    const sent = [client.send("chat", 1), client.send("chat", 2)];
    await tick();
    answer(browser.socket, {}, { epoch: "e", offset: 7 });
    assert.deepEqual(await Promise.all(sent), [null, { epoch: "e", offset: 7 }]);
  });

  test("the messages of one tick travel together", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2, 3].map((data) => client.send("chat", data));
    assert.deepEqual(sentFrames(browser.socket), []);
    await tick();
    assert.deepEqual(sentFrames(browser.socket), [[1, 2, 3]]);
    acknowledge(browser.socket);
    assert.deepEqual(await outcomes(sent), ["done", "done", "done"]);
  });

  test("frames stay below the server's limit of a frame", async () => {
    const { browser, client } = connectedPage({}, undefined, { max_message_size: 4000 });
    for (const length of [500, 400, 300, 2000]) client.send("chat", "x".repeat(length));
    for (const lengths of [[500, 400], [300], [2000]]) {
      await tick();
      const sent = sentFrames(browser.socket).at(-1) ?? [];
      assert.deepEqual(
        sent.map((text) => text.length),
        lengths,
      );
      acknowledge(browser.socket);
    }
  });

  test("what waits for an answer travels together in the next frame", async () => {
    const { browser, client } = connectedPage();
    for (const data of [1, 2, 3]) {
      void client.send("chat", data);
      await tick();
    }
    assert.deepEqual(sentFrames(browser.socket), [[1]]);
    acknowledge(browser.socket);
    assert.deepEqual(sentFrames(browser.socket), [[1], [2, 3]]);
  });

  test("fifty messages take two frames", async () => {
    const { browser, client } = connectedPage();
    const sent = Array.from({ length: 50 }, (_, data) => client.send("chat", data));
    await tick();
    acknowledge(browser.socket);
    acknowledge(browser.socket);
    assert.deepEqual(
      sentFrames(browser.socket).map((frame) => frame.length),
      [32, 18],
    );
    assert.deepEqual(new Set(await outcomes(sent)), new Set(["done"]));
  });

  test("a frame has at most 64 KiB of data, or one message", async () => {
    const { browser, client } = connectedPage({}, undefined, { max_publication: 100_000 });
    for (const size of [30_000, 30_000, 10_000, 80_000, 1])
      void client.send("chat", "x".repeat(size));
    await tick();
    for (let frame = 0; frame < 4; frame += 1) acknowledge(browser.socket);
    assert.deepEqual(
      sentFrames(browser.socket).map((frame) => frame.map((data) => data.length)),
      [[30_000, 30_000], [10_000], [80_000], [1]],
    );
  });

  test("rooms do not wait for each other", async () => {
    const { browser, client } = connectedPage();
    const sent = ["a", "b", "a"].map((room) => client.send(room, room));
    await tick();
    assert.deepEqual(sentFrames(browser.socket), [["a", "a"], ["b"]]);
    acknowledge(browser.socket, { room: "b" });
    assert.deepEqual(await outcomes(sent), ["", "done", ""]);
    void client.send("b", "again");
    await tick();
    assert.deepEqual(sentFrames(browser.socket), [["a", "a"], ["b"], ["again"]]);
  });

  test("each message has a random key", async () => {
    const { browser, client } = connectedPage();
    Object.defineProperty(browser, "random", { get: Math.random });
    for (let data = 0; data < 5; data += 1) void client.send("chat", data);
    await tick();
    assert.equal(new Set(sentItems(browser.socket).map(({ key }) => key)).size, 5);
  });

  test("later changes of the data are not sent", async () => {
    const { browser, client } = page();
    const data = { text: "as it was" };
    void client.send("chat", data);
    data.text = "changed";
    client.connect();
    browser.socket.welcome();
    assert.deepEqual(sentData(browser.socket), [{ text: "as it was" }]);
  });

  test("an answer with another id is ignored", async () => {
    const { browser, sent } = await pageThatSent(1);
    browser.socket.receive({ type: "acks", id: 99, items: [{ epoch: "e", offset: 1 }] });
    browser.socket.receive({ type: "error", id: 99, code: "forbidden", detail: "" });
    browser.socket.receive({ type: "error", id: 0, code: "invalid_message", detail: "binary" });
    browser.socket.receive({ type: "error", room: "news", code: "forbidden", detail: "" });
    browser.socket.receive({ type: "error", code: "unavailable", detail: "the new login" });
    assert.deepEqual(await outcomes(sent), [""]);
    assert.deepEqual(sentData(browser.socket), [1]);
  });

  test("a message without a result is sent again", async () => {
    const { browser, sent } = await pageThatSent(1, 2);
    answer(browser.socket, {});
    browser.advance(500);
    assert.deepEqual(sentFrames(browser.socket), [[1, 2], [2]]);
    assert.deepEqual(await outcomes(sent), ["done", ""]);
  });

  test("a message waits for the join before it, in the same room only", async () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    void client.send("chat", 1);
    void client.send("other", 2);
    await tick();
    assert.deepEqual(sentData(browser.socket), [2]);
    letIn(browser.socket);
    assert.deepEqual(sentData(browser.socket), [2, 1]);
  });

  test("a leave waits for the message before it", async () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    letIn(browser.socket);
    void client.send("chat", "bye");
    client.leave("chat");
    await tick();
    assert.equal(browser.socket.sent.at(-1)?.type, "messages");
    acknowledge(browser.socket);
    assert.equal(browser.socket.sent.at(-1)?.type, "leave");
  });

  test("messages behind a join or a leave do not travel with those before it", async () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    letIn(browser.socket);
    for (const data of [1, 2]) void client.send("chat", data);
    client.leave("chat");
    client.join("chat");
    void client.send("chat", 3);
    await tick();
    acknowledge(browser.socket);
    browser.socket.receive({ type: "left", id: browser.socket.sent.at(-1)?.id, room: "chat" });
    letIn(browser.socket);
    const types = browser.socket.sent.map(({ type }) => type);
    assert.deepEqual(types, ["hello", "join", "messages", "leave", "join", "messages"]);
    assert.deepEqual(sentFrames(browser.socket), [[1, 2], [3]]);
  });
});

describe("the rate of frames", () => {
  /** Send a message to this number of rooms. @param {number} count */
  async function toRooms(count, welcome = {}) {
    const { browser, client } = connectedPage({}, undefined, welcome);
    for (let room = 0; room < count; room += 1) void client.send(`room-${room}`, room);
    await tick();
    return browser;
  }

  test("at most sixteen frames are on their way", async () => {
    const { socket } = await toRooms(20);
    assert.equal(socket.sentOfType("messages").length, 16);
    acknowledge(socket, { room: "room-7" });
    assert.equal(socket.sentOfType("messages").length, 17);
  });

  test("after a burst of twenty the client stays below the server's limit", async () => {
    const browser = await toRooms(100, { message_rate: 20 });
    const answered = new Set();
    const sentBy = (/** @type {number} */ ms) => {
      browser.advance(ms);
      for (let found = true; found; ) {
        const frame = browser.socket.sentOfType("messages").find(({ id }) => !answered.has(id));
        found = frame !== undefined;
        answered.add(frame?.id);
        if (frame) acknowledge(browser.socket, { room: frame.room });
      }
      return browser.socket.sentOfType("messages").length;
    };
    assert.equal(sentBy(0), 20);
    assert.equal(sentBy(62), 20);
    assert.equal(sentBy(1), 21);
    assert.equal(sentBy(1000), 37);
  });
});

describe("without a connection", () => {
  for (const type of ["connection_established", "state"]) {
    test(`a request of a ${type} listener at the welcome is sent once`, async () => {
      const { browser, client } = page();
      client.connect();
      const atOnce = () => {
        client.join("chat");
        void client.send("chat", "hello");
      };
      client.addEventListener(/** @type {any} */ (type), atOnce, { once: true });
      browser.socket.welcome();
      await tick();
      assert.deepEqual(browser.socket.sentOfType("join").length, 1);
      letIn(browser.socket);
      assert.deepEqual(sentData(browser.socket), ["hello"]);
    });
  }

  test("queued messages are sent once if a listener adds more at the welcome", async () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    void client.send("chat", 1);
    client.addEventListener("connection_established", () => void client.send("chat", 2));
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    await tick();
    assert.deepEqual(sentFrames(browser.socket), [[1, 2]]);
    acknowledge(browser.socket);
    await tick();
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });

  test("messages are sent in order after the welcome", async () => {
    const { browser, client } = page();
    const sent = [1, 2].map((data) => client.send("chat", data));
    client.connect();
    browser.socket.open();
    await tick();
    assert.equal(browser.socket.sent.length, 1);
    browser.socket.welcome();
    acknowledge(browser.socket);
    assert.deepEqual(sentFrames(browser.socket), [[1, 2]]);
    assert.deepEqual(await outcomes(sent), ["done", "done"]);
  });

  for (const resumed of [true, false]) {
    test(`without an answer messages are sent again with the same keys (resumed: ${resumed})`, async () => {
      const page = connectedPage();
      Object.defineProperty(page.browser, "random", { get: Math.random });
      const first = page.browser.socket;
      const sent = [1, 2].map((data) => page.client.send("chat", data));
      await tick();
      sent.push(page.client.send("chat", 3));
      const socket = reconnected(page, { resumed });
      acknowledge(socket);
      assert.deepEqual(sentFrames(socket), [[1, 2, 3]]);
      assert.deepEqual(sentItems(socket).slice(0, 2), sentItems(first));
      assert.deepEqual(await outcomes(sent), ["done", "done", "done"]);
      assert.deepEqual(sentData(reconnected(page)), []);
    });
  }

  test("joins are sent before messages", async () => {
    const page = connectedPage();
    page.client.join("chat");
    letIn(page.browser.socket);
    void page.client.send("chat", 1);
    await tick();
    const socket = reconnected(page); // the welcome leaves the room out
    assert.deepEqual(sentData(socket), []);
    const { id } = socket.sentOfType("join")[0] ?? {};
    socket.receive({ type: "error", id, room: "chat", code: "unavailable", detail: "" });
    page.browser.advance(500);
    assert.deepEqual(sentData(socket), []);
    letIn(socket);
    assert.deepEqual(sentData(socket), [1]);
  });

  test("a frame listener that sends more causes no duplicate", async () => {
    const { browser, client } = connectedPage();
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.items?.[0].data === 1) void client.send("chat", 2);
    });
    void client.send("chat", 1);
    await tick();
    acknowledge(browser.socket);
    assert.deepEqual(sentFrames(browser.socket), [[1], [2]]);
  });
});

describe("another user", () => {
  test("does not send what the one before has written", async () => {
    const page = connectedPage();
    const sent = [page.client.send("chat", "by 17")];
    const found = outcomes(sent);
    await tick();
    page.client.addEventListener("connection_established", () => {
      sent.push(page.client.send("chat", "by 18"));
    });
    const socket = reconnected(page, { user: "18" });
    await tick();
    assert.deepEqual(sentData(socket), ["by 18"]);
    assert.deepEqual(await found, ["disconnected"]);
    assert.deepEqual(await outcomes(sent), ["disconnected", ""]);
  });

  test("at first may be anyone", async () => {
    const { browser, client } = page();
    void client.send("chat", 1);
    client.connect();
    browser.socket.welcome({ user: null });
    assert.deepEqual(sentData(browser.socket), [1]);
  });
});

describe("the end", () => {
  test("disconnect() rejects waiting and new messages until connect()", async () => {
    const { browser, client, sent } = await pageThatSent(1, 2);
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
    const { browser, client, sent } = await pageThatSent(1);
    refuse(browser.socket, "unavailable");
    client.disconnect();
    assert.deepEqual(await outcomes(sent), ["disconnected"]);
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

  test("errors that reject messages are server_error events, too", async () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "server_error");
    for (let data = 0; data < 5; data += 1) client.send("chat", data).catch(() => {});
    await tick();
    answer(browser.socket, "forbidden", {}, "not_joined", "unavailable", "unavailable");
    browser.advance(500);
    refuse(browser.socket, "forbidden");
    assert.deepEqual(
      errors.map(({ type, code }) => `${type} ${code}`),
      ["forbidden", "not_joined", "unavailable", "forbidden"].map((code) => `error ${code}`),
    );
  });
});
