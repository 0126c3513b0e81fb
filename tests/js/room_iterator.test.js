/** The messages of a room as an async iterator. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { tick } from "./message_pages.js";
import { connectedPage } from "./pages.js";
import { answerRoom, publish } from "./room_pages.js";

function pageInNews() {
  const { browser, client } = connectedPage();
  const handle = client.room("news");
  answerRoom(browser.socket, { epoch: "e", offset: 0 });
  return { client, socket: browser.socket, handle };
}

/** @param {number} count */
const range = (count) => Array.from({ length: count }, (_, i) => i + 1);

test("it gives the messages in order, whether they are read at once or later, until close()", async () => {
  const { socket, handle } = pageInNews();
  /** @type {number[]} */
  const read = [];
  const reading = (async () => {
    for await (const { offset } of handle) {
      read.push(offset);
      if (offset === 2) await tick();
    }
  })();
  publish(socket, 1);
  await tick();
  publish(socket, 2, 3, 4);
  handle.close();
  await reading;
  assert.deepEqual(read, [1, 2, 3, 4]);
});

test("a loop that breaks stops listening; another one begins anew", async () => {
  const { socket, handle } = pageInNews();
  for (const expected of [1, 2]) {
    setImmediate(() => publish(socket, expected));
    for await (const { offset } of handle) {
      assert.equal(offset, expected);
      break;
    }
  }
});

test("a thousand messages wait for their reader; with one more it throws", async () => {
  const { socket, handle } = pageInNews();
  const [patient, late] = [handle[Symbol.asyncIterator](), handle[Symbol.asyncIterator]()];
  const first = [patient.next(), late.next()];
  publish(socket, 1);
  await Promise.all(first);
  publish(socket, ...range(1001).slice(1));
  for (const expected of range(1001).slice(1))
    assert.equal((await patient.next()).value?.offset, expected);
  publish(socket, 1002);
  assert.equal((await patient.next()).value?.offset, 1002);
  await assert.rejects(late.next(), { code: "behind" });
  assert.deepEqual(await late.next(), { value: undefined, done: true });
});

test("it throws the code of a room that was lost, after the messages before", async () => {
  for (const [frame, code] of /** @type {const} */ ([
    [{ type: "left", room: "news" }, "forbidden"],
    [{ type: "left", room: "news", id: 99 }, "forbidden"],
  ])) {
    const { socket, handle } = pageInNews();
    const iterator = handle[Symbol.asyncIterator]();
    const first = iterator.next();
    publish(socket, 1, 2);
    socket.receive(frame);
    assert.equal((await first).value?.offset, 1);
    assert.equal((await iterator.next()).value?.offset, 2);
    await assert.rejects(iterator.next(), { code });
  }
});

test("it waits over a disconnect()", async () => {
  const { client, handle } = pageInNews();
  const next = handle[Symbol.asyncIterator]().next();
  client.disconnect();
  const isOver = next.then(() => true);
  assert.equal(await Promise.race([isOver, tick().then(() => false)]), false);
  handle.close();
  assert.equal((await next).done, true);
});
