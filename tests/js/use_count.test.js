/** `acquire()` and `release()`: components that share a client without knowing each other. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { goodbye, page } from "./pages.js";

test("the first acquire() connects, the last release() disconnects a second later", () => {
  const { browser, client } = page();
  const [one, other] = [client.acquire(), client.acquire()];
  browser.socket.welcome();
  one.release();
  one.release();
  browser.advance(5000);
  assert.equal(client.state, "connected");
  other.release();
  browser.advance(999);
  assert.equal(client.state, "connected");
  browser.advance(1);
  assert.equal(client.state, "disconnected");
  assert.equal(browser.socket.sentOfType("bye").length, 1);
});

test("within that second the session goes on: mount, unmount, mount", () => {
  const { browser, client } = page();
  client.acquire().release();
  client.acquire();
  browser.socket.welcome();
  browser.advance(2000);
  assert.equal(client.state, "connected");
  assert.equal(browser.sockets.length, 1);
});

test("after it acquire() connects again", () => {
  const { browser, client } = page();
  client.acquire().release();
  browser.advance(1000);
  client.acquire();
  assert.equal(client.state, "connecting");
  assert.equal(browser.sockets.length, 2);
});

test("disconnect() is unconditional, and acquire() does not undo the server's verdict", () => {
  const { browser, client } = page();
  const use = client.acquire();
  browser.socket.welcome();
  client.disconnect();
  assert.equal(client.state, "disconnected");
  client.connect();
  browser.socket.welcome();
  browser.socket.receive(goodbye(4500));
  client.acquire();
  assert.equal(browser.sockets.length, 2);
  use.release();
});
