/** Listeners that join, leave or disconnect within an event: nothing is lost, no event follows the end. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

/** A page in the room news at offset 5 that has sent its next hello. */
function returning() {
  const { browser, client } = connectedPage();
  client.join("news");
  const { id } = browser.socket.sentOfType("join")[0] ?? {};
  browser.socket.receive({ type: "joined", id, room: "news", epoch: "e", offset: 5 });
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.open();
  return {
    browser,
    client,
    resyncs: recordEvents(client, "resync"),
    joined: recordEvents(client, "joined"),
  };
}

const MISSED = { news: { epoch: "e", offset: 8, recovered: true } };

describe("a room", () => {
  test("left and joined between hello and welcome has a gap", () => {
    const { browser, client, resyncs, joined } = returning();
    const messages = recordEvents(client, "message");
    client.leave("news");
    client.join("news");
    browser.socket.welcome({ rooms: MISSED });
    for (const offset of [6, 7, 8, 9])
      browser.socket.receive({ type: "publication", room: "news", offset, time: 7, data: offset });
    assert.deepEqual(joined, [{ room: "news", offset: 8, recovered: false }]);
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
    assert.deepEqual(
      messages.map(({ data }) => data),
      [9],
    );
  });

  for (const event of /** @type {const} */ (["joined", "connection_established", "state"])) {
    test(`left by a listener to \`${event}\`: the client sends a leave`, () => {
      const { browser, client } = returning();
      client.addEventListener(event, () => client.leave("news"));
      browser.socket.welcome({ rooms: MISSED });
      assert.deepEqual(
        browser.socket.sentOfType("leave").map(({ room }) => room),
        ["news"],
      );
      assert.deepEqual(browser.socket.sentOfType("join"), []);
    });
  }
});

for (const [options, asks] of /** @type {[any, any][]} */ ([
  [{ rewind: 3 }, { rewind: 3 }],
  [{ since: "e:2" }, { position: { epoch: "e", offset: 2 } }],
])) {
  test(`a handle in place of a room that is left at the welcome asks anew: ${JSON.stringify(options)}`, () => {
    const { browser, client } = returning();
    client.on("connection_established", () => {
      client.leave("news");
      client.room("news", options);
    });
    browser.socket.welcome({ rooms: MISSED });
    const [join] = browser.socket.sentOfType("join");
    assert.deepEqual(join, { type: "join", room: "news", id: join?.id, ...asks });
  });
}

test("a room that a listener to the frame of its leave opens anew is joined", async () => {
  const { browser, client } = connectedPage();
  const { socket } = browser;
  const answer = (/** @type {string} */ type, /** @type {object} */ fields) =>
    socket.receive({
      ...fields,
      type,
      room: "news",
      id: socket.sent.filter((frame) => frame.id).at(-1)?.id,
    });
  client.join("news");
  answer("joined", { epoch: "e", offset: 5 });
  client.room("news", { since: "e:1" });
  await Promise.resolve();
  client.on("frame", ({ direction, frame }) => {
    if (direction === "out" && frame.type === "leave") client.join("news");
  });
  answer("error", { code: "forbidden" });
  const left = recordEvents(client, "left");
  answer("left", {});
  answer("joined", { epoch: "e", offset: 5 });
  client.leave("news");
  assert.equal(left.length, 1);
});

describe("disconnect() by a listener", () => {
  test("to `state`: no connection_established follows", () => {
    const { browser, client } = page();
    client.connect();
    const events = recordEvents(client, "connection_established");
    client.addEventListener("state", () => client.state === "connected" && client.disconnect());
    browser.socket.welcome();
    assert.deepEqual(events, []);
    assert.equal(client.state, "disconnected");
  });

  test("to the frame of a ping: the ping is rejected", async () => {
    const { client } = connectedPage();
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.type === "ping") client.disconnect();
    });
    await assert.rejects(client.ping());
  });

  test("to the state after a probe: the frame is ignored", () => {
    for (const data of ['{"type":"ping","sequence":1}', new ArrayBuffer(1)]) {
      const { browser, client } = connectedPage();
      const events = [recordEvents(client, "bytes"), recordEvents(client, "latency")];
      const frames = recordEvents(client, "frame");
      browser.advance(30_000);
      assert.equal(client.state, "unstable");
      client.addEventListener("state", () => client.state === "connected" && client.disconnect());
      const handler = browser.socket.onmessage;
      handler?.({ data });
      assert.equal(client.state, "disconnected");
      assert.deepEqual(events, [[], []]);
      assert.ok(
        frames.every(({ direction, frame }) => direction === "out" || frame.type !== "ping"),
      );
    }
  });

  test("to the frame of `received`: no message follows", () => {
    const { browser, client } = connectedPage({}, undefined, { window: 4 });
    client.join("news");
    const { id } = browser.socket.sentOfType("join")[0] ?? {};
    browser.socket.receive({ type: "joined", id, room: "news", epoch: "e", offset: 5 });
    const messages = recordEvents(client, "message");
    client.addEventListener("frame", ({ detail }) => {
      if (detail.frame.type === "received") client.disconnect();
    });
    browser.socket.receive({ type: "publication", room: "news", offset: 6, time: 7, data: 6 });
    assert.equal(client.state, "disconnected");
    assert.deepEqual(messages, []);
  });
});
