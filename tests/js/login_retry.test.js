/** A page whose session ended for want of a login, and a user who logs in elsewhere. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage } from "./browser.js";
import { connectedPage, goodbye } from "./pages.js";

const HINT = "realtime:welcome:wss://example.com/ws/";

/** @param {number} code */
function sentAway(code, options = {}) {
  const { browser, client } = connectedPage(options);
  browser.socket.receive(goodbye(code));
  browser.advance(1000);
  return { browser, client };
}

/** @type {Record<string, (browser: Browser) => void>} */
const LOOKS = {
  "visible again": (browser) => {
    browser.setVisibility("hidden");
    browser.setVisibility("visible");
  },
  "focused again": (browser) => browser.window.dispatchEvent(new Event("focus")),
};

for (const code of [4501, 4503]) {
  for (const [name, looks] of Object.entries(LOOKS)) {
    test(`${code}, and the page is ${name}: one attempt, without resume`, () => {
      const { browser, client } = sentAway(code);
      looks(browser);
      assert.equal(browser.sockets.length, 2);
      assert.equal(client.state, "connecting");
      browser.socket.open();
      assert.equal(browser.socket.sent[0]?.resume, undefined);
      browser.socket.welcome();
      assert.equal(client.state, "connected");
    });
  }

  test(`${code}, and another tab was welcomed: one attempt`, () => {
    const { browser, client } = sentAway(code);
    browser.storageEvent("other:key");
    browser.storageEvent("realtime:welcome:wss://example.com/other/");
    assert.equal(browser.sockets.length, 1);
    browser.storageEvent(HINT);
    browser.socket.welcome();
    assert.equal(client.state, "connected");
  });
}

describe("attempts are limited", () => {
  test("visibility and focus together cause one attempt", () => {
    const { browser } = sentAway(4503);
    for (const looks of Object.values(LOOKS)) looks(browser);
    assert.equal(browser.sockets.length, 2);
    browser.socket.receive(goodbye(4501));
    for (let i = 0; i < 10; i += 1) for (const looks of Object.values(LOOKS)) looks(browser);
    browser.advance(600_000);
    assert.equal(browser.sockets.length, 2);
  });

  test("after another refusal the next attempt comes 30 s later at the earliest", () => {
    const { browser } = sentAway(4503);
    LOOKS["focused again"]?.(browser);
    browser.socket.receive(goodbye(4501));
    browser.advance(29_999);
    LOOKS["focused again"]?.(browser);
    assert.equal(browser.sockets.length, 2);
    browser.advance(1);
    LOOKS["focused again"]?.(browser);
    assert.equal(browser.sockets.length, 3);
  });

  test("a page that retried because of a signal does not signal", () => {
    const { browser } = sentAway(4503);
    browser.local.items.clear();
    browser.storageEvent(HINT);
    browser.socket.welcome();
    assert.equal(browser.local.items.size, 0);
  });
});

describe("the client stays away", () => {
  for (const code of [4500, 4504, 4505, 4506, 4700]) {
    test(`after ${code}`, () => {
      const { browser, client } = connectedPage();
      client.disconnect();
      client.connect();
      browser.socket.open();
      browser.socket.receive(goodbye(code));
      for (const looks of Object.values(LOOKS)) looks(browser);
      browser.storageEvent(HINT);
      assert.equal(browser.sockets.length, 2);
    });
  }

  test("after disconnect()", () => {
    const { browser, client } = sentAway(4503);
    client.disconnect();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
  });

  test("without auto-reconnect", () => {
    const { browser } = sentAway(4503, { autoReconnect: false });
    for (const looks of Object.values(LOOKS)) looks(browser);
    assert.equal(browser.sockets.length, 1);
  });

  test("until auto-reconnect is on and the page gets attention", () => {
    const { browser, client } = sentAway(4503);
    client.disableAutoReconnect();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
    client.enableAutoReconnect();
    LOOKS["focused again"]?.(browser);
    assert.equal(browser.sockets.length, 2);
  });

  test("while it is connected", () => {
    const { browser } = connectedPage();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
  });
});

describe("signals to other tabs", () => {
  test("a new session changes the stored value, a resumed one does not", () => {
    const local = new FakeStorage();
    connectedPage({}, new Browser(undefined, local));
    const first = local.getItem(HINT);
    assert.ok(first);
    const { browser } = connectedPage({}, new Browser(undefined, local), { resumed: true });
    assert.equal(local.getItem(HINT), first);
    browser.socket.drop();
    browser.advance(1000);
    browser.socket.welcome({ resumed: false });
    assert.notEqual(local.getItem(HINT), first);
    assert.doesNotMatch(local.getItem(HINT) ?? "", /s1|t1/); // no secret
  });

  test("a refused storage causes no error", () => {
    const local = new FakeStorage();
    local.setItem = () => {
      throw new DOMException("refused", "QuotaExceededError");
    };
    const { client } = connectedPage({}, new Browser(undefined, local));
    assert.equal(client.state, "connected");
  });
});
