/** Requests with answers: awaited or iterated, eight at a time, never repeated. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { tick } from "./message_pages.js";
import {
  advanceToNextAttempt,
  connectedPage,
  goodbye,
  outcomes,
  page,
  reconnected,
} from "./pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */

/** The newest request that the client sent. @param {FakeSocket} socket */
function newest(socket) {
  return socket.sentOfType("request").at(-1) ?? {};
}

/**
 * The server answers a request, by default the newest one.
 * @param {FakeSocket} socket
 * @param {object} fields
 */
function reply(socket, fields, { id } = newest(socket)) {
  socket.receive({ type: "reply", id, ...fields });
}

/**
 * @param {FakeSocket} socket
 * @param {string} code
 */
function refuse(socket, code, { id } = newest(socket)) {
  socket.receive({ type: "error", id, code, detail: `refused: ${code}` });
}

/**
 * All parts of a reply, or those before its failure, and the code of that.
 * @param {AsyncIterable<any>} answer
 */
async function collect(answer) {
  const parts = [];
  try {
    for await (const part of answer) parts.push(part);
  } catch (error) {
    parts.push(/** @type {any} */ (error).code);
  }
  return parts;
}

describe("an answer", () => {
  test("is awaited", async () => {
    const { browser, client } = connectedPage();
    const price = client.request("orders.price", { id: 7 });
    const { id, ...frame } = newest(browser.socket);
    assert.deepEqual(frame, { type: "request", name: "orders.price", data: { id: 7 } });
    assert.equal(id, 2);
    reply(browser.socket, { data: { price: 5 }, done: true });
    assert.deepEqual(await price, { price: 5 });
    assert.deepEqual(await price, { price: 5 });
  });

  test("has an id that no message, join or leave has", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    const idsOf = (/** @type {number} */ parity) =>
      socket.sent.flatMap(({ id }) => (id % 2 === parity ? id : []));
    for (let n = 0; n < 4; n += 1) {
      void client.request("x").catch(() => {});
      client.join(`chat:${n}`);
      socket.receive({ type: "error", id: socket.sent.at(-1)?.id, code: "forbidden", detail: "" });
    }
    assert.deepEqual(idsOf(0), [2, 4, 6, 8]);
    assert.deepEqual(idsOf(1), [1, 3, 5, 7]);
  });

  for (const data of [null, false, 0, ""]) {
    test(`may be ${JSON.stringify(data)}`, async () => {
      const { browser, client } = connectedPage();
      const answer = client.request("x");
      assert.equal(newest(browser.socket).data, null);
      reply(browser.socket, { data, done: true });
      assert.equal(await answer, data);
    });
  }

  test("is the one part of an iteration", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x");
    reply(browser.socket, { data: 1, done: true });
    assert.deepEqual(await collect(answer), [1]);
  });

  test("belongs to the request with its id", async () => {
    const { browser, client } = connectedPage();
    const answers = [client.request("a"), client.request("b")];
    const [a, b] = /** @type {any[]} */ (browser.socket.sentOfType("request"));
    reply(browser.socket, { data: "b", done: true }, b);
    reply(browser.socket, { data: "of none", done: true }, { id: 5_000_000 });
    reply(browser.socket, { data: "a", done: true }, a);
    assert.deepEqual(await Promise.all(answers), ["a", "b"]);
  });

  test("waits for a connection, and for no message", async () => {
    const { browser, client } = page();
    const answer = client.request("x");
    void client.send("chat", 1);
    client.connect();
    browser.socket.welcome();
    reply(browser.socket, { data: 1, done: true });
    assert.equal(await answer, 1);
    assert.equal(browser.socket.sentOfType("messages").length, 1);
  });

  test("has the data of the call", () => {
    const { browser, client } = page();
    const data = { text: "as it was" };
    void client.request("x", data);
    data.text = "changed";
    client.connect();
    browser.socket.welcome();
    assert.deepEqual(newest(browser.socket).data, { text: "as it was" });
  });
});

describe("a stream", () => {
  test("is iterated part by part", async () => {
    const { browser, client } = connectedPage();
    const words = collect(client.request("ask"));
    for (const data of ["word", "by", "word"]) {
      reply(browser.socket, { data, done: false });
      await tick();
    }
    reply(browser.socket, { done: true });
    assert.deepEqual(await words, ["word", "by", "word"]);
    assert.equal(browser.socket.sentOfType("cancel").length, 0);
  });

  test("is a list if it is awaited, also an empty one", async () => {
    const { browser, client } = connectedPage();
    const words = client.request("ask");
    reply(browser.socket, { data: "a", done: false });
    reply(browser.socket, { done: true });
    assert.deepEqual(await words, ["a"]);
    const none = client.request("ask");
    reply(browser.socket, { done: true });
    assert.deepEqual(await none, []);
  });

  test("is acknowledged as the page consumes it", async () => {
    const { browser, client } = connectedPage();
    const parts = client.request("ask")[Symbol.asyncIterator]();
    for (let data = 0; data < 40; data += 1) reply(browser.socket, { data, done: false });
    await tick();
    const counts = () => browser.socket.sentOfType("reply_received").map(({ count }) => count);
    assert.deepEqual(counts(), []);
    for (let data = 0; data < 15; data += 1) assert.equal((await parts.next()).value, data);
    assert.deepEqual(counts(), []);
    await parts.next();
    assert.deepEqual(counts(), [16]);
    assert.equal(browser.socket.sentOfType("reply_received")[0]?.id, newest(browser.socket).id);
    reply(browser.socket, { data: "x".repeat(16_384), done: false });
    for (let data = 16; data < 41; data += 1) await parts.next();
    assert.deepEqual(counts(), [16, 32, 41]);
    reply(browser.socket, { data: 41, done: false });
    reply(browser.socket, { done: true });
    for (let data = 41; data < 43; data += 1) await parts.next();
    assert.deepEqual(counts(), [16, 32, 41]); // the server has sent all
  });

  test("that the page leaves is cancelled", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("ask");
    const { id } = newest(browser.socket);
    reply(browser.socket, { data: 1, done: false });
    for await (const _ of answer) break;
    assert.deepEqual(browser.socket.sentOfType("cancel"), [{ type: "cancel", id }]);
    reply(browser.socket, { data: 2, done: false });
    refuse(browser.socket, "failed");
    void client.send("chat", 1);
    await tick();
    assert.equal(browser.socket.sent.at(-1)?.type, "messages");
  });

  test("that fails has its parts, then the error", async () => {
    const { browser, client } = connectedPage();
    const words = client.request("ask");
    reply(browser.socket, { data: "a", done: false });
    refuse(browser.socket, "failed");
    assert.deepEqual(await collect(words), ["a", "failed"]);
  });
});

describe("failures", () => {
  test("have the server's code and words", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x");
    refuse(browser.socket, "unknown_request");
    await assert.rejects(answer.then(), {
      code: "unknown_request",
      message: "refused: unknown_request",
    });
    assert.equal(await answer.catch(({ code }) => code), "unknown_request");
  });

  test("of a request that no code awaits disturb nothing", async () => {
    const { browser, client } = connectedPage();
    client.request("x");
    refuse(browser.socket, "failed");
    await tick();
  });

  for (const [name, data] of /** @type {[any, any][]} */ ([
    ["", 1],
    ["x".repeat(101), 1],
    ["cut \ud83d", 1],
    ["x", () => {}],
    ["x", "é".repeat(32_768)],
  ])) {
    test(`of arguments are answers, too: ${String(name).slice(0, 9)}`, async () => {
      const { browser, client } = connectedPage();
      assert.equal(await client.request(name, data).catch(({ code }) => code), "invalid_message");
      assert.equal(browser.socket.sentOfType("request").length, 0);
    });
  }

  test("of a lost connection are lost, and nothing is repeated", async () => {
    const found = connectedPage();
    const { browser, client } = found;
    const words = client.request("ask");
    reply(browser.socket, { data: "a", done: false });
    browser.socket.drop();
    const later = client.request("later");
    assert.deepEqual(await collect(words), ["a", "lost"]);
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    assert.deepEqual(
      browser.socket.sentOfType("request").map(({ name }) => name),
      ["later"],
    );
    reply(browser.socket, { data: 1, done: true });
    assert.equal(await later, 1);
    assert.deepEqual(reconnected(found).sentOfType("request"), []);
  });

  test("of a page that is hidden are lost", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x");
    browser.hidePage();
    assert.equal(await answer.catch(({ code }) => code), "lost");
  });

  test("after disconnect() and a final close are disconnected, until connect()", async () => {
    const { browser, client } = connectedPage();
    const answers = [client.request("x")];
    client.disconnect();
    answers.push(client.request("x"));
    assert.deepEqual(await outcomes(answers.map((answer) => answer.then())), [
      "disconnected",
      "disconnected",
    ]);
    client.connect();
    browser.socket.welcome();
    const refused = client.request("x");
    browser.socket.receive(goodbye(4503));
    await assert.rejects(refused.then(), { code: "disconnected", message: "reason 4503" });
    assert.equal(browser.timers, 0);
  });

  test("are server_error events, too", () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "server_error");
    client.request("x");
    refuse(browser.socket, "forbidden");
    assert.equal(errors[0]?.code, "forbidden");
  });
});

describe("a signal", () => {
  test("cancels a request, which fails with its reason", async () => {
    const { browser, client } = connectedPage();
    const controller = new AbortController();
    const answer = client.request("ask", null, { signal: controller.signal });
    const { id } = newest(browser.socket);
    reply(browser.socket, { data: "unread", done: false });
    controller.abort();
    assert.deepEqual(browser.socket.sentOfType("cancel"), [{ type: "cancel", id }]);
    await assert.rejects(answer.then(), { name: "AbortError" });
    controller.abort();
    assert.equal(browser.socket.sentOfType("cancel").length, 1);
  });

  test("cancels one that waits, and one that has not begun", async () => {
    const { browser, client } = page();
    const controller = new AbortController();
    const waiting = client.request("x", null, { signal: controller.signal });
    controller.abort(new Error("enough"));
    const late = client.request("x", null, { signal: controller.signal });
    await assert.rejects(waiting.then(), { message: "enough" });
    await assert.rejects(late.then(), { message: "enough" });
    client.connect();
    browser.socket.welcome();
    assert.deepEqual(browser.socket.sentOfType("request"), []);
  });

  test("that aborts after the answer changes nothing", async () => {
    const { browser, client } = connectedPage();
    const controller = new AbortController();
    const answer = client.request("x", null, { signal: controller.signal });
    reply(browser.socket, { data: 1, done: true });
    controller.abort();
    assert.equal(await answer, 1);
    assert.deepEqual(browser.socket.sentOfType("cancel"), []);
  });
});

describe("a timeout", () => {
  test("cancels a request", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x", null, { timeout: 500 });
    browser.advance(499);
    assert.deepEqual(browser.socket.sentOfType("cancel"), []);
    browser.advance(1);
    assert.equal(browser.socket.sentOfType("cancel").length, 1);
    await assert.rejects(answer.then(), { code: "timeout" });
  });

  test("counts while there is no connection", async () => {
    const { browser, client } = page();
    const answer = client.request("x", null, { timeout: 500 });
    browser.advance(500);
    await assert.rejects(answer.then(), { code: "timeout" });
    assert.equal(browser.timers, 0);
  });

  test("may be longer than timers of browsers can wait", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x", null, { timeout: Infinity });
    browser.advance(500);
    reply(browser.socket, { data: 1, done: true });
    assert.equal(await answer, 1);
  });

  test("ends with the answer", async () => {
    const { browser, client } = connectedPage();
    const answer = client.request("x", null, { timeout: 500 });
    reply(browser.socket, { data: 1, done: true });
    browser.advance(500);
    assert.equal(await answer, 1);
    assert.deepEqual(browser.socket.sentOfType("cancel"), []);
  });
});

describe("eight at a time", () => {
  /** @param {FakeSocket} socket */
  const names = (socket) => socket.sentOfType("request").map(({ name }) => name);

  test("others wait for an end, in order", () => {
    const { browser, client } = connectedPage();
    const controller = new AbortController();
    const { signal } = controller;
    for (let i = 0; i < 11; i += 1) client.request(`${i}`, null, i === 9 ? { signal } : {});
    assert.deepEqual(names(browser.socket), [..."01234567"]);
    reply(browser.socket, { data: 1, done: false });
    controller.abort(); // of the tenth, which waits
    assert.equal(names(browser.socket).length, 8);
    const sent = browser.socket.sentOfType("request");
    refuse(browser.socket, "failed", /** @type {any} */ (sent[3]));
    assert.equal(names(browser.socket).at(-1), "8");
    reply(browser.socket, { data: 1, done: true }, /** @type {any} */ (sent[0]));
    assert.deepEqual(names(browser.socket).slice(8), ["8", "10"]);
    assert.deepEqual(browser.socket.sentOfType("cancel"), []);
  });

  test("a frame listener that asks for more causes no duplicate", () => {
    const { browser, client } = connectedPage();
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.name === "first") client.request("second");
    });
    client.request("first");
    assert.deepEqual(names(browser.socket), ["first", "second"]);
  });

  test("one after the other, they stay below the server's rate of frames", () => {
    const { browser, client } = connectedPage({}, undefined, { message_rate: 100 });
    for (let i = 0; i < 22; i += 1) {
      client.request("x");
      if (i < 20) reply(browser.socket, { data: i, done: true });
    }
    assert.equal(names(browser.socket).length, 20);
    browser.advance(13);
    assert.equal(names(browser.socket).length, 21);
    browser.advance(13);
    assert.equal(names(browser.socket).length, 22);
  });

  test("they share the rate with messages, and take turns", async () => {
    const { browser, client } = connectedPage({}, undefined, { message_rate: 10 });
    const { socket } = browser;
    for (let room = 0; room < 15; room += 1) void client.send(`room-${room}`, room);
    await tick();
    for (let i = 0; i < 8; i += 1) client.request("x");
    for (const { id } of socket.sentOfType("messages"))
      socket.receive({ type: "acks", id, items: [{}] });
    for (let room = 0; room < 15; room += 1) void client.send(`room-${room}`, room);
    await tick();
    const counts = () => ["messages", "request"].map((type) => socket.sentOfType(type).length);
    assert.deepEqual(counts(), [15, 5]);
    browser.advance(125 * 6);
    assert.deepEqual(counts(), [18, 8]);
  });
});
