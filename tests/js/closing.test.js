/** How connections end, and how the client reacts. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, goodbye, page } from "./pages.js";

describe("the end of a connection", () => {
  test("the client obeys a goodbye without waiting for the close", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive(goodbye(1001, { delay: [2000, 6000] }));
    assert.equal(client.stats().nextAttemptAt, browser.wall + 4000);
    assert.equal(browser.socket.closedWith, "none");
    browser.advance(3999);
    assert.equal(browser.sockets.length, 1);
    browser.advance(1);
    assert.equal(browser.sockets.length, 2);
  });

  test("the server's delay is a lower bound of the backoff", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive(goodbye(4009, { delay: [0, 10] }));
    assert.equal(client.stats().nextAttemptAt, browser.wall + 500);
    browser.advance(500);
    browser.socket.welcome();
    browser.socket.receive(goodbye(4009, { delay: [8000, 10_000] }));
    assert.equal(client.stats().nextAttemptAt, browser.wall + 9000);
  });

  test("without a goodbye the close code decides", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop(4501, "");
    assert.equal(client.state, "error");
    assert.equal(client.stats().reason, "code 4501");
  });

  test("after a normal close by the server the client reconnects", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop(1000);
    assert.equal(client.state, "connecting");
  });

  for (const [code, state] of /** @type {[number, string][]} */ ([
    [4500, "disconnected"],
    [4501, "error"],
    [4502, "error"],
    [4503, "disconnected"],
    [4504, "error"],
    [4505, "error"],
    [4700, "error"],
  ])) {
    test(`${code} is final: ${state} with the reason, then a new session`, () => {
      const { browser, client } = connectedPage();
      const lost = recordEvents(client, "connection_lost");
      browser.socket.receive(goodbye(code));
      assert.equal(client.state, state);
      assert.equal(client.stats().reason, `reason ${code}`);
      assert.deepEqual(lost, [{ code, reason: `reason ${code}`, willReconnect: false }]);
      browser.advance(600_000);
      browser.window.dispatchEvent(new Event("online"));
      assert.equal(browser.sockets.length, 1);
      client.connect();
      browser.socket.open();
      assert.equal(browser.socket.sent[0]?.resume, undefined);
    });
  }

  test("frames of an old socket are ignored", () => {
    const { browser, client } = connectedPage();
    const stale = browser.socket;
    browser.advance(35_000);
    browser.advance(500);
    browser.socket.welcome({ resumed: true });
    const sent = stale.sent.length;
    stale.receive(goodbye(4500));
    stale.receive({ type: "ping", sequence: 1, timestamp: "" });
    stale.drop(4501);
    assert.equal(client.state, "connected");
    assert.equal(stale.sent.length, sent);
    assert.equal(browser.sockets.length, 2);
  });

  test("disconnect sends bye, closes and forgets the session", () => {
    const { browser, client } = connectedPage();
    const lost = recordEvents(client, "connection_lost");
    client.disconnect();
    assert.deepEqual(browser.socket.sent.at(-1), { type: "bye" });
    assert.equal(browser.socket.closedWith, 1000);
    assert.equal(client.state, "disconnected");
    assert.equal(client.stats().session, null);
    assert.deepEqual(lost, [{ code: 1000, reason: "", willReconnect: false }]);
    browser.socket.drop(1000);
    browser.window.dispatchEvent(new Event("online"));
    browser.advance(600_000);
    assert.equal(browser.sockets.length, 1);
    assert.equal(browser.timers, 0);
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent[0]?.resume, undefined);
  });

  test("disconnect cancels the next attempt", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    client.disconnect();
    browser.advance(100_000);
    assert.equal(client.state, "disconnected");
    assert.equal(browser.sockets.length, 1);
  });

  test("disconnect turns error into disconnected", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive(goodbye(4501));
    client.disconnect();
    assert.equal(client.state, "disconnected");
  });
});

describe("a restarting server", () => {
  for (const code of [1001, 1012, 4001]) {
    test(`${code}: failed attempts do not change the reason`, () => {
      const { browser, client } = connectedPage();
      const lost = recordEvents(client, "connection_lost");
      const frame = goodbye(code, { delay: [0, 100] });
      browser.socket.receive(frame);
      for (let attempt = 1; attempt < 5; attempt += 1) {
        const { reason, lastError } = client.stats();
        assert.deepEqual([reason, lastError?.code], ["server restarting", code]);
        advanceToNextAttempt(browser, client);
        assert.equal(client.stats().reason, "server restarting");
        browser.socket.drop();
      }
      assert.deepEqual(lost, [{ code, reason: `reason ${code}`, willReconnect: true }]);
      advanceToNextAttempt(browser, client);
      browser.socket.welcome();
      assert.equal(client.stats().reason, "");
      browser.socket.drop();
      assert.equal(client.stats().reason, "connection lost");
    });
  }

  test("another close code replaces the reason", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive(goodbye(1001, { delay: [0, 100] }));
    advanceToNextAttempt(browser, client);
    browser.socket.receive(goodbye(4009));
    assert.equal(client.stats().reason, "reason 4009");
    advanceToNextAttempt(browser, client);
    browser.socket.drop();
    assert.equal(client.stats().reason, "connection lost");
  });

  test("connect() after disconnect() forgets the restart", () => {
    const { browser, client } = connectedPage();
    browser.socket.receive(goodbye(1001));
    client.disconnect();
    client.connect();
    browser.socket.drop();
    assert.equal(client.stats().reason, "connection lost");
  });
});

test("after 4002 backoff may be shorter than the server's delay", () => {
  const { browser, client } = connectedPage();
  browser.advance(10_000);
  browser.socket.receive(goodbye(4002, { delay: [0, 60_000] }));
  assert.equal(client.stats().nextAttemptAt, browser.wall + 500);
  advanceToNextAttempt(browser, client);
  browser.socket.welcome();
  browser.socket.receive(goodbye(4002, { delay: [0, 100] }));
  assert.equal(client.stats().nextAttemptAt, browser.wall + 50);
});

describe("state events", () => {
  test("come at each change, and at each attempt while connecting", () => {
    const { browser, client } = page();
    const states = recordEvents(client, "state");
    client.connect();
    browser.socket.drop();
    browser.advance(500);
    browser.socket.welcome();
    client.disconnect();
    assert.deepEqual(
      states.map(({ previous, state, attempts }) => [previous, state, attempts]),
      [
        ["disconnected", "connecting", 1],
        ["connecting", "connecting", 1],
        ["connecting", "connecting", 2],
        ["connecting", "connected", 0],
        ["connected", "disconnected", 0],
      ],
    );
  });
});
