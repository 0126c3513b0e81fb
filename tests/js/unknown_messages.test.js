/** Messages of which the server may have forgotten the key: never sent again. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { connectedPage, ends, page, passDelay, reconnected } from "./pages.js";

const FOUR_MINUTES = 240_000;

/** @param {import("./browser.js").FakeSocket} socket */
function said(socket) {
  return socket.sentOf("message").map(({ data }) => data);
}

describe("on the wire, and then", () => {
  test("asleep for ten minutes: rejected, and not sent again", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    browser.pass(1000);
    browser.sleep(600_000);
    browser.pass(5000); // the line is found to be dead
    assert.equal(client.state, "connecting");
    passDelay(browser, client);
    browser.socket.welcomes({ resumed: true });
    assert.deepEqual(said(browser.socket), [2]); // which had never left
    assert.deepEqual(await ends(sent), ["unknown", ""]);
  });

  test("a new connection first, and no timer in between", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.breaks();
    browser.stall(600_000);
    browser.window.dispatchEvent(new Event("online"));
    browser.socket.welcomes({ resumed: true });
    assert.deepEqual(said(browser.socket), []);
    assert.deepEqual(await ends([sent]), ["unknown"]);
  });

  test("put off, and asleep before it went again: nor on a line that seems to stand", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    const { id, room } = browser.socket.sentOf("message")[0] ?? {};
    browser.socket.says({ type: "error", code: "unavailable", id, room });
    browser.sleep(600_000);
    browser.pass(1000);
    assert.deepEqual(said(browser.socket), [1, 2]);
    assert.deepEqual(await ends(sent), ["unknown", ""]);
  });

  test("sent again and refused by the rate: the server may still have it from the first time", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    const socket = reconnected(pair);
    const { id, room } = socket.sentOf("message")[0] ?? {};
    socket.says({ type: "error", code: "rate_limited", id, room });
    pair.browser.sleep(600_000);
    assert.deepEqual(said(reconnected(pair)), []);
    assert.deepEqual(await ends([sent]), ["unknown"]);
  });

  test("within four minutes: sent again with the same key", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    const key = pair.browser.socket.sentOf("message")[0]?.key;
    pair.browser.sleep(FOUR_MINUTES - 2000);
    const socket = reconnected(pair);
    assert.deepEqual(
      socket.sentOf("message").map((frame) => frame.key),
      [key],
    );
    socket.says({ type: "ack", id: socket.sentOf("message")[0]?.id });
    await sent;
  });

  test("no connection for four minutes: rejected then", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.socket.breaks();
    for (let ms = 0; ms < FOUR_MINUTES - 5000; ms += 5000) {
      browser.pass(5000);
      if (browser.socket.closedWith === null && browser.socket.readyState === 0)
        browser.socket.breaks();
    }
    assert.deepEqual(await ends([sent]), [""]);
    browser.pass(10_000);
    assert.deepEqual(await ends([sent]), ["unknown"]);
    client.disconnect();
    assert.equal(browser.timers, 0);
  });

  test("a server that beats and does not answer: rejected, and the next one goes", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    browser.passBeating(FOUR_MINUTES - 1000);
    assert.deepEqual(said(browser.socket), [1]);
    browser.passBeating(10_000);
    assert.deepEqual(said(browser.socket), [1, 2]);
    assert.deepEqual(await ends(sent), ["unknown", ""]);
    browser.socket.says({ type: "ack", id: browser.socket.sentOf("message")[0]?.id }); // too late
    assert.deepEqual(await ends([sent[1] ?? Promise.reject()]), [""]);
    browser.socket.says({ type: "ack", id: browser.socket.sentOf("message")[1]?.id });
    assert.deepEqual(await ends(sent), ["unknown", "done"]);
  });

  test("`unavailable` says nothing about what became of it", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    for (let ms = 0; ms < FOUR_MINUTES + 20_000; ms += 10_000) {
      const { id } = browser.socket.sentOf("message").at(-1) ?? {};
      browser.socket.says({ type: "error", id, code: "unavailable", detail: "" });
      browser.passBeating(10_000);
    }
    assert.deepEqual(await ends([sent]), ["unknown"]);
  });

  test("`rate_limited` does: nothing was done with it", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    for (let ms = 0; ms < FOUR_MINUTES + 20_000; ms += 10_000) {
      const { id } = browser.socket.sentOf("message").at(-1) ?? {};
      browser.socket.says({ type: "error", id, code: "rate_limited", detail: "" });
      browser.passBeating(10_000);
    }
    assert.deepEqual(await ends([sent]), [""]);
    const { id } = browser.socket.sentOf("message").at(-1) ?? {};
    browser.socket.says({ type: "ack", id });
    await sent;
  });
});

describe("clocks", () => {
  test("a wall clock set back does not make it younger", async () => {
    const pair = connectedPage();
    const sent = pair.client.send("chat", 1);
    pair.browser.sleep(-3_600_000);
    pair.browser.pass(5000);
    pair.browser.sleep(600_000); // a sleep, after it
    pair.browser.pass(5000);
    passDelay(pair.browser, pair.client);
    pair.browser.socket.welcomes({ resumed: true });
    assert.deepEqual(said(pair.browser.socket), []);
    assert.deepEqual(await ends([sent]), ["unknown"]);
  });

  test("a wall clock set forward harms no message on a line that stands", async () => {
    const { browser, client } = connectedPage();
    const sent = client.send("chat", 1);
    browser.sleep(3_600_000);
    browser.passBeating(20_000);
    assert.deepEqual(await ends([sent]), [""]);
    browser.socket.says({ type: "ack", id: browser.socket.sentOf("message")[0]?.id });
    await sent;
  });
});

test("what was never on the wire waits as long as it takes", async () => {
  const { browser, client } = page();
  const sent = client.send("chat", 1);
  browser.sleep(86_400_000);
  client.connect();
  browser.socket.welcomes();
  assert.deepEqual(said(browser.socket), [1]);
  browser.socket.says({ type: "ack", id: browser.socket.sentOf("message")[0]?.id });
  await sent;
});

test("no timer is left when all has been answered", () => {
  const { browser, client } = connectedPage();
  const { timers } = browser;
  client.send("chat", 1);
  browser.socket.says({ type: "ack", id: 1 });
  assert.equal(browser.timers, timers);
});
