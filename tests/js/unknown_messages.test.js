/** Messages whose keys the server may have forgotten: never sent again. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { acknowledge, answer, refuse, sentData, sentItems, tick } from "./message_pages.js";
import { advanceToNextAttempt, connectedPage, outcomes, page, reconnected } from "./pages.js";

const FOUR_MINUTES = 240_000;

describe("a sent message without an answer", () => {
  test("is rejected after a sleep of ten minutes", async () => {
    const { browser, client } = connectedPage();
    const sent = [client.send("chat", 1)];
    await tick();
    sent.push(client.send("chat", 2));
    browser.advance(1000);
    browser.sleep(600_000);
    browser.advance(5000); // the client detects the loss
    assert.equal(client.state, "connecting");
    advanceToNextAttempt(browser, client);
    browser.socket.welcome({ resumed: true });
    assert.deepEqual(sentData(browser.socket), [2]); // it was never sent
    assert.deepEqual(await outcomes(sent), ["unknown", ""]);
  });

  test("is rejected at a new connection, before any timer", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    await tick();
    browser.socket.drop();
    browser.stall(600_000);
    browser.window.dispatchEvent(new Event("online"));
    browser.socket.welcome({ resumed: true });
    assert.deepEqual(sentData(browser.socket), []);
    assert.deepEqual(await outcomes([sent]), ["unknown"]);
  });

  test("is rejected after a sleep during its pause, while connected", async () => {
    const { browser, client } = connectedPage();
    const sent = [client.send("chat", 1)];
    await tick();
    sent.push(client.send("chat", 2));
    refuse(browser.socket, "unavailable");
    browser.sleep(600_000);
    browser.advance(1000);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
    assert.deepEqual(await outcomes(sent), ["unknown", ""]);
  });

  test("is rejected if only its repetition was rate limited", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    await tick();
    const socket = reconnected(pair);
    refuse(socket, "rate_limited");
    pair.browser.sleep(600_000);
    assert.deepEqual(sentData(reconnected(pair)), []);
    assert.deepEqual(await outcomes([sent]), ["unknown"]);
  });

  test("is sent again with the same key within four minutes", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    await tick();
    const [{ key }] = sentItems(pair.browser.socket);
    pair.browser.sleep(FOUR_MINUTES - 2000);
    const socket = reconnected(pair);
    assert.deepEqual(
      sentItems(socket).map((item) => item.key),
      [key],
    );
    acknowledge(socket);
    await sent;
  });

  test("is rejected after four minutes without a connection", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    await tick();
    browser.socket.drop();
    for (let ms = 0; ms < FOUR_MINUTES - 5000; ms += 5000) {
      browser.advance(5000);
      if (browser.socket.closedWith === null && browser.socket.readyState === 0)
        browser.socket.drop();
    }
    assert.deepEqual(await outcomes([sent]), [""]);
    browser.advance(10_000);
    assert.deepEqual(await outcomes([sent]), ["unknown"]);
    client.disconnect();
    assert.equal(browser.timers, 0);
  });

  test("is rejected after four minutes of nothing but pings, and the next one is sent", async () => {
    const { browser, client } = connectedPage();
    const sent = [client.send("chat", 1)];
    await tick();
    sent.push(client.send("chat", 2));
    browser.advanceWithPings(FOUR_MINUTES - 1000);
    assert.deepEqual(sentData(browser.socket), [1]);
    browser.advanceWithPings(10_000);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
    assert.deepEqual(await outcomes(sent), ["unknown", ""]);
    const [{ id = 0 } = {}] = browser.socket.sentOfType("messages");
    browser.socket.receive({ type: "acks", id, items: [{}] }); // too late
    assert.deepEqual(await outcomes([sent[1] ?? Promise.reject()]), [""]);
    acknowledge(browser.socket);
    assert.deepEqual(await outcomes(sent), ["unknown", "done"]);
  });

  test("may have been published despite `unavailable`", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    await tick();
    for (let ms = 0; ms < FOUR_MINUTES + 20_000; ms += 10_000) {
      answer(browser.socket, "unavailable");
      browser.advanceWithPings(10_000);
    }
    assert.deepEqual(await outcomes([sent]), ["unknown"]);
  });

  test("was not published after `rate_limited`", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    await tick();
    for (let ms = 0; ms < FOUR_MINUTES + 20_000; ms += 10_000) {
      answer(browser.socket, "rate_limited");
      browser.advanceWithPings(10_000);
    }
    assert.deepEqual(await outcomes([sent]), [""]);
    acknowledge(browser.socket);
    await sent;
  });
});

describe("clocks", () => {
  test("a wall clock that is set back does not make a message younger", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    await tick();
    pair.browser.sleep(-3_600_000);
    pair.browser.advance(5000);
    pair.browser.sleep(600_000); // a sleep after it was sent
    pair.browser.advance(5000);
    advanceToNextAttempt(pair.browser, pair.client);
    pair.browser.socket.welcome({ resumed: true });
    assert.deepEqual(sentData(pair.browser.socket), []);
    assert.deepEqual(await outcomes([sent]), ["unknown"]);
  });

  test("a wall clock that is set forward rejects no message while connected", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    await tick();
    browser.sleep(3_600_000);
    browser.advanceWithPings(20_000);
    assert.deepEqual(await outcomes([sent]), [""]);
    acknowledge(browser.socket);
    await sent;
  });
});

test("a message that was never sent waits without limit", async () => {
  const { browser, client } = page();
  const sent = client.send("chat", 1);
  browser.sleep(86_400_000);
  client.connect();
  browser.socket.welcome();
  assert.deepEqual(sentData(browser.socket), [1]);
  acknowledge(browser.socket);
  await sent;
});

test("no timer is left after all answers", async () => {
  const { browser, client } = connectedPage();
  const { timers } = browser;
  void client.send("chat", 1);
  await tick();
  assert.equal(browser.timers, timers + 1);
  acknowledge(browser.socket);
  assert.equal(browser.timers, timers);
});
