/** Timeouts on slow and on dead connections. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { AdaptiveTimeouts } from "../../realtime/js/adaptive_timeouts.js";
import { recordEvents } from "./browser.js";
import { acknowledge, tick } from "./message_pages.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

const NUMBERS = { pong_timeout: 10_000, max_missed: 3 };

/**
 * A connected page on a line with this round trip. The server answers pings.
 * @param {number} roundTrip ms
 */
function connectedOver(roundTrip) {
  const { browser, client } = page();
  client.connect();
  browser.advance(roundTrip);
  browser.socket.open();
  browser.advance(roundTrip);
  const { socket } = browser;
  const { send } = socket;
  socket.send = (/** @type {any} */ data) => {
    send.call(socket, data);
    const { type, sequence } = JSON.parse(data);
    const answer = () => socket.receive({ type: "pong", sequence });
    if (type === "ping") browser.environment.setTimeout(answer, roundTrip);
  };
  socket.welcome();
  return { browser, client };
}

/** @type {Record<string, (page: ReturnType<typeof connectedOver>) => void>} */
const DOUBTS = {
  online: ({ browser }) => browser.window.dispatchEvent(new Event("online")),
  offline: ({ browser }) => browser.window.dispatchEvent(new Event("offline")),
  "another network": ({ browser }) => browser.network.dispatchEvent(new Event("change")),
  "connect()": ({ client }) => client.connect(),
  "a message without an answer": ({ browser, client }) => {
    void client.send("chat", 1).catch(() => {});
    browser.advance(20_000);
  },
  silence: ({ browser }) => browser.advance(30_000),
};

for (const [name, raise] of Object.entries(DOUBTS)) {
  for (const roundTrip of [2600, 6000]) {
    test(`${name}: a healthy line of ${roundTrip} ms is kept`, () => {
      const slow = connectedOver(roundTrip);
      slow.browser.advance(20_000);
      raise(slow);
      slow.browser.advance(15_000);
      assert.equal(slow.client.state, "connected");
      assert.equal(slow.browser.sockets.length, 1);
      const { misses, pongs } = slow.client.stats();
      assert.equal(misses, 0);
      assert.ok(pongs >= 2); // the first one measured the line
    });
  }
}

describe("a dead connection", () => {
  for (const name of ["offline", "online"]) {
    test(`is in doubt at the ${name} event, and lost after 2 s`, () => {
      const { browser, client } = connectedPage();
      browser.window.dispatchEvent(new Event(name));
      assert.equal(client.state, "unstable");
      browser.advance(2000);
      assert.equal(client.state, "connecting");
    });
  }

  test("is in doubt 2 s after an unanswered message or join, and lost 2 s later", async () => {
    for (const ask of ["send", "join"]) {
      const { browser, client } = connectedPage();
      if (ask === "send") client.send("chat", 1).catch(() => {});
      else client.join("chat");
      await tick();
      browser.advance(1999);
      assert.equal(client.state, "connected");
      browser.advance(1);
      assert.equal(client.state, "unstable");
      browser.advance(2000);
      assert.equal(client.state, "connecting");
    }
  });

  test("is in doubt 2 s after sendBytes()", () => {
    const { browser, client } = connectedPage();
    client.sendBytes(new Uint8Array(3));
    browser.advance(2000);
    assert.equal(client.state, "unstable");
  });

  test("is not lost if the server answers the probe before the message", async () => {
    const { browser, client } = connectedPage();
    client.send("chat", 1).catch(() => {});
    await tick();
    browser.advance(2000);
    browser.socket.receive({ type: "pong", sequence: 1 });
    browser.advance(20_000);
    assert.equal(client.state, "connected");
    assert.equal(browser.socket.sentOfType("ping").length, 1);
  });

  test("is not in doubt after an answer in time", async () => {
    const { browser, client } = connectedPage();
    void client.send("chat", 1);
    await tick();
    browser.advance(1000);
    acknowledge(browser.socket);
    browser.advance(20_000);
    assert.equal(client.state, "connected");
    assert.ok(browser.socket.sentOfType("ping").length <= 1);
  });

  test("is never in doubt if the server answers pings", () => {
    const { browser, client } = connectedPage();
    const states = recordEvents(client, "state");
    client.addEventListener("frame", ({ detail: { frame } }) => {
      const pong = { type: "pong", sequence: frame.sequence };
      if (frame.type === "ping")
        browser.environment.setTimeout(() => browser.socket.receive(pong), 300);
    });
    client.send("chat", "to a handler that takes ten seconds").catch(() => {});
    for (let ms = 0; ms < 10_000; ms += 100) {
      client.sendBytes(new Uint8Array(3));
      browser.advance(100);
    }
    assert.deepEqual(states, []);
    assert.ok(browser.socket.sentOfType("ping").length <= 10);
  });

  test("is not lost by a message right after a standstill", () => {
    const { browser, client } = connectedPage();
    browser.stall(90_000);
    client.send("chat", 1).catch(() => {});
    browser.advance(0);
    assert.equal(client.state, "unstable");
    browser.socket.receive({ type: "pong", sequence: 1 });
    browser.advance(1000);
    assert.equal(client.state, "connected");
  });
});

test("a change of the network's speed causes a ping without doubt", () => {
  const { browser, client } = page();
  const network = Object.assign(browser.network, { effectiveType: "4g" });
  client.connect();
  browser.socket.welcome();
  network.dispatchEvent(new Event("change"));
  assert.equal(client.state, "connected");
  assert.equal(browser.socket.sentOfType("ping").length, 1);
  browser.advance(2000);
  assert.equal(client.state, "unstable");
  browser.socket.receive({ type: "pong", sequence: 1 });
  network.effectiveType = "3g";
  network.dispatchEvent(new Event("change"));
  assert.equal(client.state, "unstable");
});

describe("an attempt", () => {
  test("has its timeout for opening and again for the welcome", () => {
    const { browser, client } = page();
    client.connect();
    browser.advance(6000);
    browser.socket.open();
    browser.advance(6000);
    assert.equal(browser.socket.closedWith, null);
    browser.socket.receive({ type: "pong" });
    browser.advance(4000);
    assert.equal(client.stats().lastError?.reason, "no answer within 10 s");
  });

  test("after a timeout has twice the time, up to a minute", () => {
    const { browser, client } = page();
    client.connect();
    for (const timeouts of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      browser.advance(timeouts - 1);
      assert.equal(browser.socket.closedWith, null);
      browser.advance(1);
      assert.equal(browser.socket.closedWith, "none");
      advanceToNextAttempt(browser, client);
    }
    browser.socket.welcome();
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    browser.advance(10_000);
    assert.equal(browser.socket.closedWith, "none");
  });

  test("has the time of the option `timeout`, which doubles as well", () => {
    const { browser, client } = page({ timeout: 25_000 });
    client.connect();
    for (const timeouts of [25_000, 50_000, 60_000]) {
      browser.advance(timeouts - 1);
      assert.equal(browser.socket.closedWith, null);
      browser.advance(1);
      assert.equal(browser.socket.closedWith, "none");
      advanceToNextAttempt(browser, client);
    }
  });

  test("on a slow line has five round trips, however short the option is", () => {
    const { browser, client } = connectedOver(6000);
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    browser.advance(29_999);
    assert.equal(browser.socket.closedWith, null);
    browser.advance(1);
    assert.equal(browser.socket.closedWith, "none");
  });

  test("on a slow line does not hang before five round trips are over", () => {
    const { browser, client } = connectedOver(1500);
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    for (const [ms, sockets] of [
      [7499, 2],
      [1, 3],
    ]) {
      browser.advance(Number(ms));
      browser.window.dispatchEvent(new Event("online"));
      assert.equal(browser.sockets.length, sockets);
    }
  });

  test("after a refusal has the same time", () => {
    const { browser, client } = page();
    client.connect();
    for (let time = 0; time < 4; time += 1) {
      browser.socket.drop();
      advanceToNextAttempt(browser, client);
    }
    browser.advance(10_000);
    assert.equal(browser.socket.closedWith, "none");
  });

  test("that hangs on an old network starts again on the new one", () => {
    const { browser, client } = page();
    client.connect();
    browser.advance(2999);
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(browser.sockets.length, 1);
    browser.advance(1);
    browser.network.dispatchEvent(new Event("change")); // some browsers send both events
    assert.equal(browser.sockets.length, 1);
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(browser.sockets.length, 2);
    assert.equal(browser.sockets[0]?.closedWith, "none");
  });
});

describe("timeouts", () => {
  test("have a lower and an upper bound", () => {
    const timeouts = new AdaptiveTimeouts();
    timeouts.onWelcome(NUMBERS, 50);
    assert.equal(timeouts.answerMs(2000), 2000);
    timeouts.onLatency(2600);
    assert.equal(timeouts.answerMs(2000), 5200);
    timeouts.onLatency(60_000);
    assert.equal(timeouts.answerMs(2000), 30_000);
    assert.equal(timeouts.attemptMs, 60_000);
  });

  test("rise at once and fall by half", () => {
    const timeouts = new AdaptiveTimeouts();
    timeouts.onLatency(4000);
    timeouts.onLatency(1000);
    assert.equal(timeouts.answerMs(2000), 5000);
    for (let i = 0; i < 10; i += 1) timeouts.onLatency(10);
    assert.equal(timeouts.answerMs(2000), 2000);
  });

  test("a ping replaces the estimate of a delayed welcome", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    browser.advance(9000);
    const { socket } = browser;
    socket.welcome();
    assert.equal(socket.sentOfType("ping").length, 1);
    socket.receive({ type: "pong", sequence: 1 });
    browser.window.dispatchEvent(new Event("online"));
    browser.advance(2000);
    assert.equal(client.state, "connecting");
  });
});
