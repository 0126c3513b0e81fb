/** What an application sends: kept until the server has it, once, in order. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import {
  advanceToNextAttempt,
  connectedPage,
  goodbye,
  outcomes,
  page,
  reconnected,
} from "./pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */

/** @param {FakeSocket} socket */
function said(socket) {
  return socket.sentOfType("message").map(({ data }) => data);
}

/** @param {FakeSocket} socket the newest message is taken */
function acknowledges(socket) {
  socket.receive({ type: "ack", id: socket.sentOfType("message").at(-1)?.id });
}

/**
 * @param {FakeSocket} socket
 * @param {string} code
 */
function refuses(socket, code) {
  const { id, room } = socket.sentOfType("message").at(-1) ?? {};
  socket.receive({ type: "error", id, room, code, detail: `said ${code}` });
}

describe("sending", () => {
  test("resolves when the server has it", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", { text: "hi" });
    assert.deepEqual(await outcomes([sent]), [""]);
    const [{ key, ...frame } = {}] = browser.socket.sentOfType("message");
    assert.deepEqual(frame, { type: "message", room: "chat", data: { text: "hi" }, id: 1 });
    assert.ok(key.length > 0 && key.length <= 64, key);
    acknowledges(browser.socket);
    assert.equal(await sent, undefined);
  });

  test("one at a time is on its way, in order", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2, 3].map((data) => client.send("chat", data));
    assert.deepEqual(said(browser.socket), [1]);
    for (const _ of sent) acknowledges(browser.socket);
    assert.deepEqual(said(browser.socket), [1, 2, 3]);
    assert.deepEqual(await outcomes(sent), ["done", "done", "done"]);
  });

  test("each has a key of its own, by chance", () => {
    const { browser, client } = connectedPage();
    Object.defineProperty(browser, "random", { get: Math.random });
    for (let data = 0; data < 5; data += 1) {
      void client.send("chat", data);
      acknowledges(browser.socket);
    }
    assert.equal(new Set(browser.socket.sentOfType("message").map(({ key }) => key)).size, 5);
  });

  test("what is changed afterwards is not sent", () => {
    const { browser, client } = page();
    const data = { text: "as it was" };
    void client.send("chat", data);
    data.text = "changed";
    client.connect();
    browser.socket.welcome();
    assert.deepEqual(said(browser.socket), [{ text: "as it was" }]);
  });

  test("an answer that nobody waits for answers nothing", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.receive({ type: "ack", id: 99 });
    browser.socket.receive({ type: "error", id: 99, code: "forbidden", detail: "" });
    browser.socket.receive({ type: "error", room: "news", code: "forbidden", detail: "" });
    assert.deepEqual(await outcomes([sent]), [""]);
    assert.deepEqual(said(browser.socket), [1]);
  });

  test("a message for a room that is being joined waits for it", () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    void client.send("chat", 1);
    assert.deepEqual(said(browser.socket), []);
    browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    assert.deepEqual(said(browser.socket), [1]);
  });

  test("said, then left: in that order", () => {
    const { browser, client } = connectedPage();
    client.join("chat");
    browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    void client.send("chat", "bye");
    client.leave("chat");
    assert.equal(browser.socket.sent.at(-1)?.type, "message");
    acknowledges(browser.socket);
    assert.equal(browser.socket.sent.at(-1)?.type, "leave");
  });
});

describe("without a connection", () => {
  for (const type of ["connection_established", "state"]) {
    test(`what is asked for at the welcome, on ${type}, goes once`, () => {
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
      assert.deepEqual(said(browser.socket), ["hello"]);
    });
  }

  test("what waits goes once, also where more is said at the welcome", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    void client.send("chat", 1);
    client.addEventListener("connection_established", () => void client.send("chat", 2));
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    assert.deepEqual(said(browser.socket), [1]);
    acknowledges(browser.socket);
    assert.deepEqual(said(browser.socket), [1, 2]);
  });

  test("messages wait, and go in order after the welcome", async () => {
    const { browser, client } = page();
    const sent = [1, 2].map((data) => client.send("chat", data));
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent.length, 1);
    browser.socket.welcome();
    acknowledges(browser.socket);
    acknowledges(browser.socket);
    assert.deepEqual(said(browser.socket), [1, 2]);
    assert.deepEqual(await outcomes(sent), ["done", "done"]);
  });

  for (const resumed of [true, false]) {
    test(`sent again with the same key where no ack came, resumed: ${resumed}`, async () => {
      const page = connectedPage();
      const first = page.browser.socket;
      const sent = [1, 2].map((data) => page.client.send("chat", data));
      const socket = reconnected(page, { resumed });
      acknowledges(socket);
      acknowledges(socket);
      assert.deepEqual(said(socket), [1, 2]);
      assert.equal(socket.sentOfType("message")[0]?.key, first.sentOfType("message")[0]?.key);
      assert.deepEqual(await outcomes(sent), ["done", "done"]);
      assert.deepEqual(said(reconnected(page)), []);
    });
  }

  test("their rooms first: who is not in a room yet is not heard in it", () => {
    const page = connectedPage();
    page.client.join("chat");
    page.browser.socket.receive({ type: "joined", id: 1, room: "chat", epoch: "e", offset: 0 });
    void page.client.send("chat", 1);
    const socket = reconnected(page); // the welcome leaves the room out
    assert.deepEqual(said(socket), []);
    const { id } = socket.sentOfType("join")[0] ?? {};
    socket.receive({ type: "error", id, room: "chat", code: "unavailable", detail: "" });
    page.browser.advance(500);
    assert.deepEqual(said(socket), []);
    const again = socket.sentOfType("join")[1]?.id;
    socket.receive({
      type: "joined",
      id: again,
      room: "chat",
      epoch: "e",
      offset: 1,
      recovered: true,
    });
    assert.deepEqual(said(socket), [1]);
  });

  test("a listener to frames that sends more does not send it twice", () => {
    const { browser, client } = connectedPage();
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.data === 1) void client.send("chat", 2);
    });
    void client.send("chat", 1);
    acknowledges(browser.socket);
    assert.deepEqual(said(browser.socket), [1, 2]);
  });
});

describe("refusals", () => {
  for (const code of ["forbidden", "not_joined", "invalid_message"]) {
    test(`${code} is final, and the next goes`, async () => {
      const { browser, client } = connectedPage();
      const sent = [1, 2].map((data) => client.send("chat", data));
      refuses(browser.socket, code);
      assert.deepEqual(await outcomes(sent), [code, ""]);
      await assert.rejects(/** @type {Promise<void>} */ (sent[0]), new RegExp(`said ${code}`));
      assert.deepEqual(said(browser.socket), [1, 2]);
    });
  }

  test("one so wrong that the server does not know which: it is the one on its way", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    browser.socket.receive({ type: "error", code: "invalid_json", detail: "expected …" });
    assert.deepEqual(await outcomes(sent), ["invalid_json", ""]);
    assert.deepEqual(said(browser.socket), [1, 2]);
  });

  for (const code of ["unavailable", "rate_limited"]) {
    test(`${code}: the same message again after a pause, before those behind it`, async () => {
      const { browser, client } = connectedPage();
      const { socket } = browser;
      const sent = [1, 2].map((data) => client.send("chat", data));
      refuses(socket, code);
      browser.advance(499);
      assert.deepEqual(said(socket), [1]);
      browser.advance(1);
      refuses(socket, code);
      browser.advance(1000);
      assert.deepEqual(said(socket), [1, 1, 1]);
      assert.equal(new Set(socket.sentOfType("message").map(({ key }) => key)).size, 1);
      acknowledges(socket);
      acknowledges(socket);
      assert.deepEqual(await outcomes(sent), ["done", "done"]);
    });
  }

  test("a pause after success is a first one", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    for (const data of [1, 2]) {
      void client.send("chat", data);
      refuses(socket, "unavailable");
      browser.advance(500);
      acknowledges(socket);
    }
    assert.deepEqual(said(socket), [1, 1, 2, 2]);
  });

  test("what JSON cannot say, or not in so many bytes, is refused at once", async () => {
    const { browser, client } = connectedPage({}, undefined, { max_publication: 10 });
    /** @type {any} */
    const circle = {};
    circle.self = circle;
    const bad = [undefined, () => {}, Symbol("s"), 1n, circle, "x".repeat(9), "…".repeat(3)];
    const sent = bad.map((data) => client.send("chat", data));
    assert.deepEqual(
      await outcomes(sent),
      bad.map(() => "invalid_message"),
    );
    assert.deepEqual(said(browser.socket), []);
    void client.send("chat", "x".repeat(8));
    assert.equal(said(browser.socket).length, 1);
  });

  test("half of a character is refused at once, and what only looks like it is not", async () => {
    const { browser, client } = connectedPage();
    const whole = "👍";
    const halves = [whole.slice(0, 1), `x${whole.slice(1)}`, [{ "\\\ud83d": 1 }], "\udc4d\ud83d"];
    assert.deepEqual(
      await outcomes(halves.map((data) => client.send("chat", data))),
      halves.map(() => "invalid_message"),
    );
    assert.deepEqual(said(browser.socket), []);
    void client.send("chat", [whole, "\\ud83d", "\\\\udc4d", "ud83d"]);
    assert.equal(said(browser.socket).length, 1);
  });

  test("before any welcome the usual limit holds", async () => {
    const { client } = page();
    const sent = [65_534, 65_535].map((length) => client.send("chat", "x".repeat(length)));
    assert.deepEqual(await outcomes(sent), ["", "invalid_message"]);
  });

  test("null is data", () => {
    const { browser, client } = connectedPage();
    void client.send("chat", null);
    assert.deepEqual(said(browser.socket), [null]);
  });

  test("beyond 200 that wait: refused at once", async () => {
    const { browser, client } = page();
    const sent = Array.from({ length: 201 }, (_, data) => client.send("chat", data));
    const found = await outcomes(sent);
    assert.deepEqual(new Set(found.slice(0, 200)), new Set([""]));
    assert.equal(found[200], "queue_full");
    client.connect();
    browser.socket.welcome();
    acknowledges(browser.socket);
    assert.deepEqual(await outcomes([client.send("chat", 201)]), [""]);
  });
});

describe("the end", () => {
  test("a disconnect refuses what waits, and what comes after it, until the next connect", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    client.disconnect();
    sent.push(client.send("chat", 3));
    assert.deepEqual(await outcomes(sent), ["disconnected", "disconnected", "disconnected"]);
    assert.equal(browser.timers, 0);
    client.connect();
    void client.send("chat", 4);
    browser.socket.welcome();
    assert.deepEqual(said(browser.socket), [4]);
  });

  test("also what is to be sent again after a pause", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    refuses(browser.socket, "unavailable");
    client.disconnect();
    assert.deepEqual(await outcomes([sent]), ["disconnected"]);
    assert.equal(browser.timers, 0);
  });

  test("so does a dismissal, with its reason", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.receive(goodbye(4503));
    await assert.rejects(sent, { code: "disconnected", message: "said 4503" });
    await assert.rejects(client.send("chat", 2), { code: "disconnected", message: "said 4503" });
  });

  test("a page that is left, frozen or out of attempts keeps them", async () => {
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
    acknowledges(browser.socket);
    await sent;
  });

  test("errors that refuse a message are events as well", () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "server_error");
    client.send("chat", 1).catch(() => {});
    refuses(browser.socket, "forbidden");
    assert.equal(errors[0]?.code, "forbidden");
  });
});
