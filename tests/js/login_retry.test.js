/** A page that was sent away for want of a login, and a user who logs in elsewhere. */

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
  "seen again": (browser) => {
    browser.setVisibility("hidden");
    browser.setVisibility("visible");
  },
  "focused again": (browser) => browser.window.dispatchEvent(new Event("focus")),
};

for (const code of [4501, 4503]) {
  for (const [name, looks] of Object.entries(LOOKS)) {
    test(`${code}, and the page is ${name}: once more, without resume`, () => {
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

  test(`${code}, and another tab was welcomed`, () => {
    const { browser, client } = sentAway(code);
    browser.storageEvent("somebody else's");
    browser.storageEvent("realtime:welcome:wss://example.com/other/");
    assert.equal(browser.sockets.length, 1);
    browser.storageEvent(HINT);
    browser.socket.welcome();
    assert.equal(client.state, "connected");
  });
}

describe("not in a loop", () => {
  test("both events of one look are one", () => {
    const { browser } = sentAway(4503);
    for (const looks of Object.values(LOOKS)) looks(browser);
    assert.equal(browser.sockets.length, 2);
    browser.socket.receive(goodbye(4501));
    for (let i = 0; i < 10; i += 1) for (const looks of Object.values(LOOKS)) looks(browser);
    browser.advance(600_000);
    assert.equal(browser.sockets.length, 2);
  });

  test("refused again, it asks at another look, half a minute later", () => {
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

  test("who was welcomed because of a hint leaves none", () => {
    const { browser } = sentAway(4503);
    browser.local.items.clear();
    browser.storageEvent(HINT);
    browser.socket.welcome();
    assert.equal(browser.local.items.size, 0);
  });
});

describe("stays away", () => {
  for (const code of [4500, 4504, 4505, 4506, 4700]) {
    test(`after ${code}, which a login does not help`, () => {
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

  test("who has disconnected", () => {
    const { browser, client } = sentAway(4503);
    client.disconnect();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
  });

  test("who does not reconnect by itself", () => {
    const { browser } = sentAway(4503, { autoReconnect: false });
    for (const looks of Object.values(LOOKS)) looks(browser);
    assert.equal(browser.sockets.length, 1);
  });

  test("until it does again, and is looked at", () => {
    const { browser, client } = sentAway(4503);
    client.disableAutoReconnect();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
    client.enableAutoReconnect();
    LOOKS["focused again"]?.(browser);
    assert.equal(browser.sockets.length, 2);
  });

  test("a connection that stands is not disturbed", () => {
    const { browser } = connectedPage();
    for (const looks of Object.values(LOOKS)) looks(browser);
    browser.storageEvent(HINT);
    assert.equal(browser.sockets.length, 1);
  });
});

describe("hints", () => {
  test("a new session leaves one, each time another; a resumed one none", () => {
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

  test("a storage that refuses is survived", () => {
    const local = new FakeStorage();
    local.setItem = () => {
      throw new DOMException("refused", "QuotaExceededError");
    };
    const { client } = connectedPage({}, new Browser(undefined, local));
    assert.equal(client.state, "connected");
  });
});
