/** Binary frames of the application. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { recordEvents } from "./browser.js";
import { acknowledge, tick } from "./message_pages.js";
import { connectedPage, goodbye, outcomes, page } from "./pages.js";

const BYTES = new Uint8Array([1, 2, 3]);

test("a binary frame becomes an event with an ArrayBuffer", () => {
  const { browser, client } = connectedPage();
  const bytes = recordEvents(client, "bytes");
  assert.equal(browser.socket.binaryType, "arraybuffer");
  browser.socket.onmessage?.({ data: BYTES.buffer });
  assert.deepEqual(bytes, [{ data: BYTES.buffer }]);
});

test("before the welcome no binary frames are sent or received", () => {
  const { browser, client } = page();
  const bytes = recordEvents(client, "bytes");
  client.connect();
  browser.socket.open();
  assert.equal(client.sendBytes(BYTES), false);
  browser.socket.onmessage?.({ data: BYTES.buffer });
  assert.deepEqual([bytes, browser.socket.bytes], [[], []]);
});

test("buffers, views and blobs are sent as they are", () => {
  const { browser, client } = connectedPage();
  const data = [
    BYTES,
    BYTES.buffer,
    new DataView(BYTES.buffer, 1),
    new Blob(["abc"]),
    new Uint8Array(),
  ];
  assert.ok(data.every((one) => client.sendBytes(one)));
  assert.deepEqual(browser.socket.bytes, data);
});

test("without a connection sendBytes returns false and keeps nothing", () => {
  const { browser, client } = connectedPage();
  browser.socket.drop();
  assert.equal(client.sendBytes(BYTES), false);
  browser.advance(1000);
  browser.socket.welcome();
  assert.deepEqual(browser.socket.bytes, []);
  browser.socket.receive(goodbye(4501));
  assert.equal(client.sendBytes(BYTES), false);
});

test("sendBytes throws for other types and for too much data", () => {
  const { browser, client } = connectedPage({}, undefined, { max_message_size: 3 });
  for (const data of /** @type {any[]} */ (["text", null, 7, [1, 2]]))
    assert.throws(() => client.sendBytes(data), TypeError);
  assert.throws(() => client.sendBytes(new Uint8Array(4)), RangeError);
  assert.equal(client.sendBytes(BYTES), true);
  assert.deepEqual(browser.socket.bytes, [BYTES]);
});

test("a binary frame is a sign of life", () => {
  const { browser, client } = connectedPage();
  browser.advance(30_000);
  assert.equal(client.state, "unstable");
  browser.socket.onmessage?.({ data: BYTES.buffer });
  assert.equal(client.state, "connected");
});

test("an error about bytes does not reject the message in flight", async () => {
  const { browser, client } = connectedPage();
  const errors = recordEvents(client, "server_error");
  const sent = client.send("chat", 1);
  await tick();
  client.sendBytes(BYTES);
  for (const code of ["invalid_message", "rate_limited"])
    browser.socket.receive({ type: "error", code, detail: "", id: 0 });
  assert.deepEqual(await outcomes([sent]), [""]);
  assert.equal(errors.length, 2);
  acknowledge(browser.socket);
  await sent;
});
