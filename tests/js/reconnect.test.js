/** When a client reconnects, and when it gives up. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, goodbye, page } from "./pages.js";

/** @typedef {import("./browser.js").Browser} Browser */

test("the first attempt after a loss has a short delay with full jitter", () => {
  const { browser, client } = connectedPage();
  const lost = recordEvents(client, "connection_lost");
  browser.advance(20_000);
  browser.socket.drop(1006);
  assert.deepEqual(lost, [{ code: 1006, reason: "connection lost", willReconnect: true }]);
  assert.equal(client.stats().nextAttemptAt, browser.wall + 500);
  browser.advance(499);
  assert.equal(browser.sockets.length, 1);
  browser.advance(1);
  assert.equal(browser.sockets.length, 2);
});

test("attempts are counted and delays grow until a welcome", () => {
  const { browser, client } = connectedPage();
  browser.advance(20_000);
  const delays = [];
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    browser.socket.drop();
    delays.push((client.stats().nextAttemptAt ?? 0) - browser.wall);
    assert.equal(client.state, "connecting");
    advanceToNextAttempt(browser, client);
    assert.equal(client.stats().attempts, attempt);
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000]);
  browser.socket.welcome();
  assert.equal(client.stats().attempts, 0);
  browser.advance(5000);
  browser.socket.drop();
  assert.equal(client.stats().nextAttemptAt, browser.wall + 500);
});

test("delays grow if a server welcomes and drops its clients", () => {
  const { browser, client } = connectedPage();
  const delays = [];
  for (let round = 0; round < 3; round += 1) {
    browser.advance(4999);
    browser.socket.drop();
    delays.push((client.stats().nextAttemptAt ?? 0) - browser.wall);
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
  }
  assert.deepEqual(delays, [500, 1000, 2000]);
});

test("the next connection resumes the session", () => {
  const { browser, client } = connectedPage();
  browser.socket.drop();
  browser.advance(1000);
  const established = recordEvents(client, "connection_established");
  browser.socket.welcome({ resumed: true });
  assert.deepEqual(browser.socket.sent[0]?.resume, { session: "s1", token: "t1", turn: 1 });
  assert.equal(established[0].resumed, true);
});

test("`since` is the start of the session, not of the connection", () => {
  const { browser, client } = connectedPage();
  const since = browser.wall;
  browser.advance(10_000);
  browser.socket.drop();
  browser.advance(1000);
  browser.socket.welcome({ resumed: true });
  assert.equal(client.stats().since, since);
  browser.socket.drop();
  browser.advance(1000);
  browser.socket.welcome({ resumed: false });
  assert.equal(client.stats().since, browser.wall);
});

test("a new session replaces one that the server could not resume", () => {
  const { browser, client } = connectedPage();
  browser.socket.drop();
  browser.advance(1000);
  browser.socket.welcome({ resumed: false, session: "s2", token: "t2" });
  assert.equal(client.stats().session, "s2");
  browser.socket.drop();
  browser.advance(2000);
  browser.socket.open();
  assert.deepEqual(browser.socket.sent[0]?.resume, { session: "s2", token: "t2", turn: 1 });
});

for (const wake of ["online", "visible", "connect"]) {
  test(`${wake}: the client attempts at once`, () => {
    const { browser, client } = connectedPage({ backoff: { base: 60_000, cap: 60_000 } });
    browser.setVisibility("hidden");
    browser.socket.drop();
    browser.advance(1000);
    assert.equal(browser.sockets.length, 1);
    if (wake === "online") browser.window.dispatchEvent(new Event("online"));
    if (wake === "visible") browser.setVisibility("visible");
    if (wake === "connect") client.connect();
    assert.equal(browser.sockets.length, 2);
    assert.equal(client.stats().attempts, 1);
    assert.equal(client.stats().nextAttemptAt, null);
  });
}

test("without auto-reconnect a lost client stays disconnected", () => {
  const { browser, client } = connectedPage({ autoReconnect: false });
  const lost = recordEvents(client, "connection_lost");
  browser.socket.drop();
  browser.advance(100_000);
  assert.equal(browser.sockets.length, 1);
  assert.equal(client.state, "disconnected");
  assert.deepEqual(lost, [{ code: 1006, reason: "connection lost", willReconnect: false }]);
  client.connect();
  browser.socket.open();
  assert.deepEqual(browser.socket.sent[0]?.resume, { session: "s1", token: "t1", turn: 1 });
});

test("switching auto-reconnect is a state event, also where nothing else changes", () => {
  const { client } = connectedPage();
  const events = recordEvents(client, "state");
  client.disableAutoReconnect();
  client.enableAutoReconnect();
  const seen = events.map(({ state, autoReconnect }) => [state, autoReconnect]);
  assert.deepEqual(seen, [
    ["connected", false],
    ["connected", true],
  ]);
});

test("disableAutoReconnect() cancels the next attempt", () => {
  const { browser, client } = connectedPage();
  browser.socket.drop();
  client.disableAutoReconnect();
  assert.equal(client.state, "disconnected");
  assert.equal(client.stats().reason, "connection lost");
  browser.advance(100_000);
  assert.equal(browser.sockets.length, 1);
});

test("the client reconnects after auto-reconnect is off and on again", () => {
  const { browser, client } = connectedPage({ autoReconnect: false });
  client.enableAutoReconnect();
  browser.socket.drop();
  browser.advance(1000);
  assert.equal(browser.sockets.length, 2);
});

test("after maxAttempts the client gives up until connect()", () => {
  const { browser, client } = page({ backoff: { maxAttempts: 3 } });
  client.connect();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    assert.equal(client.state, "connecting");
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
  }
  assert.equal(client.state, "error");
  assert.equal(browser.sockets.length, 3);
  assert.match(client.stats().reason, /gave up after 3 attempts/);
  client.connect();
  assert.equal(browser.sockets.length, 4);
  assert.equal(client.stats().attempts, 1);
});

test("reset clears attempts, grown delays and the last error", () => {
  const { browser, client } = page();
  client.connect();
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    browser.socket.drop();
    if (attempt < 4) advanceToNextAttempt(browser, client);
  }
  assert.equal(client.stats().nextAttemptAt, browser.wall + 4000);
  client.resetReconnectState();
  const { attempts, lastError, nextAttemptAt } = client.stats();
  assert.deepEqual([attempts, lastError, nextAttemptAt], [0, null, browser.wall + 500]);
  advanceToNextAttempt(browser, client);
  browser.socket.drop();
  assert.equal(client.stats().nextAttemptAt, browser.wall + 1000);
});

test("reset turns error into disconnected", () => {
  const { browser, client } = connectedPage();
  browser.socket.receive(goodbye(4501));
  client.resetReconnectState();
  assert.equal(client.state, "disconnected");
  assert.equal(client.stats().reason, "");
});

describe("events that wake the client", () => {
  /** @type {Record<string, (browser: Browser) => void>} */
  const hopes = {
    online: (browser) => browser.window.dispatchEvent(new Event("online")),
    network: (browser) => browser.network.dispatchEvent(new Event("change")),
    visible: (browser) => browser.setVisibility("visible"),
  };
  for (const [name, raise] of Object.entries(hopes)) {
    test(`${name}: the next attempt comes 1 s, 2 s, 4 s … after the one before at the earliest`, () => {
      const { browser } = connectedPage({ backoff: { base: 60_000, cap: 60_000 } });
      browser.advance(10_000);
      browser.socket.drop();
      const begun = [];
      for (let ms = 0; ms < 16_000; ms += 100) {
        raise(browser);
        if (browser.socket.readyState === 0) {
          begun.push(ms);
          browser.socket.drop();
        }
        browser.advance(100);
      }
      assert.deepEqual(begun, [0, 2000, 6000, 14_000]);
    });
  }

  test("are limited too if a server welcomes and drops", () => {
    const { browser } = connectedPage();
    for (let ms = 0; ms < 60_000; ms += 100) {
      browser.socket.drop();
      browser.window.dispatchEvent(new Event("online"));
      browser.advance(100);
      if (browser.socket.readyState === 0) browser.socket.welcome();
    }
    assert.ok(browser.sockets.length < 10, `${browser.sockets.length}`);
  });

  test("shorten the wait, and nextAttemptAt follows", () => {
    const { browser, client } = connectedPage({ backoff: { base: 60_000, cap: 60_000 } });
    browser.advance(10_000);
    browser.socket.drop();
    const states = recordEvents(client, "state");
    browser.window.dispatchEvent(new Event("online"));
    browser.socket.drop();
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(client.stats().nextAttemptAt, browser.wall + 2000);
    assert.equal(states.at(-1)?.nextAttemptAt, browser.wall + 2000);
    browser.advance(2000);
    assert.equal(browser.sockets.length, 3);
  });

  test("never delay an attempt whose timer is late", () => {
    const { browser, client } = connectedPage({ backoff: { base: 60_000, cap: 60_000 } });
    browser.socket.drop();
    for (const random of [0, 0, 0, 0, 0.99]) {
      browser.window.dispatchEvent(new Event("online"));
      advanceToNextAttempt(browser, client);
      browser.random = random;
      browser.socket.drop();
    }
    browser.stall(1000); // the attempt was due after 600 ms
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(client.stats().nextAttemptAt, null);
  });

  test("never undercut the server's delay", () => {
    const { browser } = connectedPage();
    browser.advance(10_000);
    browser.socket.receive(goodbye(1001, { delay: [3000, 9000] }));
    browser.window.dispatchEvent(new Event("online"));
    browser.advance(2999);
    assert.equal(browser.sockets.length, 1);
    browser.advance(1);
    assert.equal(browser.sockets.length, 2);
  });

  test("do not limit connect()", () => {
    const { browser, client } = connectedPage({ backoff: { base: 60_000 } });
    for (let attempt = 2; attempt < 5; attempt += 1) {
      browser.socket.drop();
      client.connect();
      assert.equal(browser.sockets.length, attempt);
    }
  });
});

for (const step of [-3_600_000, 3_600_000]) {
  test(`nextAttemptAt moves with a wall clock that is set by ${step / 3_600_000} h`, () => {
    const { browser, client } = connectedPage({ backoff: { base: 60_000, cap: 60_000 } });
    browser.socket.drop();
    browser.advance(10_000);
    browser.sleep(step);
    assert.equal(client.stats().nextAttemptAt, browser.wall + 20_000);
    browser.advance(20_000);
    assert.equal(browser.sockets.length, 2);
  });
}

test("stateSince moves with a wall clock that is set back", () => {
  const { browser, client } = connectedPage();
  browser.advance(10_000);
  browser.sleep(-3_600_000);
  assert.equal(browser.wall - client.stats().stateSince, 10_000);
  browser.advance(1000);
  browser.sleep(7_200_000);
  assert.equal(browser.wall - client.stats().stateSince, 7_211_000);
});
