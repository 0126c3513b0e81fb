/** Unsent messages over the pages of one tab. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage, recordEvents } from "./browser.js";
import { acknowledge, answer, refuse, sentData, sentItems, tick } from "./message_pages.js";
import { connectedPage, outcomes, page, pageInTab } from "./pages.js";
import { answerRoom } from "./room_pages.js";

/** @typedef {import("../../realtime/js/client.js").Options} Options */

/** A page whose messages have different keys. @param {FakeStorage} tab @param {Options} [options] */
function pageIn(tab, options = {}) {
  const browser = new Browser(tab);
  Object.defineProperty(browser, "random", { get: Math.random });
  return page(options, browser);
}

/** A page in a tab that has sent `data`, without answers. @param {any[]} data */
async function pageWithUnsent(...data) {
  const tab = new FakeStorage();
  const { browser, client } = nextPage(tab);
  const sent = data.map((each) => client.send("chat", each));
  for (const each of sent) each.catch(() => {}); // the test looks later
  await tick();
  return { tab, browser, client, sent };
}

/** The next page in a tab, in the room chat. @param {FakeStorage} tab @param {object} [welcome] */
function nextPage(tab, welcome = {}) {
  const { browser, client } = pageIn(tab);
  client.join("chat");
  client.connect();
  browser.socket.welcome({ rooms: { chat: { epoch: "e", offset: 1 } }, ...welcome });
  return { browser, client };
}

describe("the next page in the tab", () => {
  test("sends them with their keys, before its own, and says how many are pending", async () => {
    const { tab, browser, client, sent } = await pageWithUnsent(1, 2);
    client.send("chat", 3).catch(() => {});
    assert.equal(client.stats().pending, 3);
    browser.hidePage();
    const next = pageIn(tab);
    next.client.join("chat");
    next.client.connect();
    assert.equal(next.client.stats().pending, 3);
    const own = next.client.send("chat", 4);
    next.browser.socket.welcome({ rooms: { chat: { epoch: "e", offset: 1 } } });
    assert.deepEqual(sentData(next.browser.socket), [1, 2, 3, 4]);
    assert.deepEqual(sentItems(next.browser.socket).slice(0, 2), sentItems(browser.socket));
    acknowledge(next.browser.socket, { offset: 5 });
    assert.deepEqual(await own, { epoch: "e", offset: 8 });
    assert.equal(next.client.stats().pending, 0);
    assert.deepEqual(await outcomes(sent), ["", ""]);
  });

  test("finds nothing that was answered", async () => {
    const { tab, browser } = await pageWithUnsent(1, 2);
    answer(browser.socket, {}, "forbidden");
    browser.hidePage();
    assert.equal(nextPage(tab).client.stats().pending, 0);
  });

  test("finds all of a frame that the server could not read", async () => {
    const { tab, browser } = await pageWithUnsent(...Array(20).keys());
    refuse(browser.socket, "invalid_message");
    browser.hidePage();
    assert.equal(nextPage(tab).client.stats().pending, 20);
  });

  for (const user of ["18", null]) {
    test(`drops those of another user (${user})`, async () => {
      const { tab, browser } = await pageWithUnsent(1, 2);
      browser.hidePage();
      const next = nextPage(tab, { user, resumed: false });
      assert.deepEqual(sentData(next.browser.socket), []);
      assert.equal(next.client.stats().pending, 0);
      next.browser.hidePage();
      assert.deepEqual(
        [...tab.items.keys()].filter((key) => key.includes("unsent")),
        [],
      );
    });
  }

  test("sends those of an anonymous user", async () => {
    const tab = new FakeStorage();
    const first = nextPage(tab, { user: null });
    void first.client.send("chat", 1);
    first.browser.hidePage();
    assert.deepEqual(sentData(nextPage(tab, { user: null }).browser.socket), [1]);
  });

  for (const resumed of [true, false]) {
    test(`sends those of a page without a welcome only in the same session (${resumed})`, async () => {
      const { tab, browser } = await pageWithUnsent(1);
      browser.hidePage();
      const offline = pageIn(tab);
      offline.client.connect();
      void offline.client.send("chat", 2);
      offline.browser.hidePage();
      const { socket } = nextPage(tab, { resumed }).browser;
      assert.deepEqual(sentData(socket), resumed ? [1, 2] : [1]);
    });
  }

  for (const joins of [false, true]) {
    test(`joins their room, and leaves it unless it needs the room itself: ${joins}`, async () => {
      const { tab, browser } = await pageWithUnsent(1, 2);
      browser.hidePage();
      const next = pageIn(tab);
      const joined = recordEvents(next.client, "joined");
      next.client.connect();
      next.browser.socket.welcome();
      const { socket } = next.browser;
      const types = () => socket.sent.slice(1).map(({ type, room }) => `${type} ${room}`);
      assert.deepEqual(types(), ["join chat"]);
      answerRoom(socket, { epoch: "e", offset: 1 });
      assert.deepEqual([types(), joined], [["join chat", "messages chat"], []]);
      if (joins) next.client.join("chat");
      await tick();
      acknowledge(socket);
      next.browser.advance(999);
      assert.deepEqual(types(), ["join chat", "messages chat"]);
      next.browser.advance(1);
      const left = joins ? [] : ["leave chat"];
      assert.deepEqual(types(), ["join chat", "messages chat", ...left]);
      assert.equal(joined.length, Number(joins));
    });
  }

  test("names their room in its hello, and does not join it again", async () => {
    const { tab, browser } = await pageWithUnsent(1);
    browser.hidePage();
    const next = pageIn(tab);
    next.client.connect();
    next.browser.socket.open();
    assert.deepEqual(next.browser.socket.sent[0]?.rooms, { chat: null });
    next.browser.socket.welcome({ rooms: { chat: { epoch: "e", offset: 1 } } });
    assert.deepEqual(sentData(next.browser.socket), [1]);
    assert.deepEqual(next.browser.socket.sentOfType("join"), []);
  });

  test("does not send what may be published already and too long ago", async () => {
    const { tab, browser } = await pageWithUnsent("sent");
    browser.advance(120_000);
    browser.hidePage();
    const next = pageIn(tab);
    next.browser.sleep(241_000);
    next.client.join("chat");
    next.client.connect();
    next.browser.socket.welcome({ rooms: { chat: { epoch: "e", offset: 1 } } });
    assert.deepEqual(sentData(next.browser.socket), []);
    assert.equal(next.client.stats().pending, 0);
  });

  test("has none of a page that never connected", () => {
    const tab = new FakeStorage();
    const { browser, client } = pageIn(tab);
    void client.send("chat", 1);
    browser.hidePage();
    assert.equal(tab.items.size, 0);
  });

  for (const text of [
    "no JSON",
    "[]",
    '{"entries":7}',
    '{"at":0,"entries":[null,{"room":1},{"room":"chat","data":1,"key":"","age":null}]}',
    '{"at":"x","entries":[{"room":"chat","data":1,"key":"k","age":-1,"user":"17"}]}',
    '{"at":0,"entries":[{"room":"chat","data":1,"key":"k","age":null,"user":17}]}',
  ]) {
    test(`is not disturbed by other values: ${text}`, async () => {
      const { tab, browser } = await pageWithUnsent(1);
      browser.hidePage();
      const key = [...tab.items.keys()].find((each) => each.endsWith(":unsent")) ?? "";
      assert.ok(key);
      tab.setItem(key, text);
      assert.deepEqual(sentData(nextPage(tab).browser.socket), []);
    });
  }

  test("a duplicated tab has none", async () => {
    const { tab, browser } = await pageWithUnsent(1);
    browser.hidePage();
    const next = nextPage(tab);
    assert.deepEqual(sentData(nextPage(tab.copy()).browser.socket), []);
    assert.deepEqual(sentData(next.browser.socket), [1]);
  });
});

describe("the back-forward cache", () => {
  test("a page that returns first sends what no other has taken", async () => {
    const { tab, browser, client, sent } = await pageWithUnsent(1, 2);
    browser.hidePage();
    browser.restorePage();
    browser.socket.welcome({
      resumed: true,
      rooms: { chat: { epoch: "e", offset: 1, recovered: true } },
    });
    assert.deepEqual(sentData(browser.socket), [1, 2]);
    acknowledge(browser.socket);
    assert.deepEqual(await outcomes(sent), ["done", "done"]);
    assert.equal(client.stats().pending, 0);
    assert.deepEqual([...tab.items.keys()], []);
  });

  test("what another page has sent is unknown, and not sent again", async () => {
    const { tab, browser, client, sent } = await pageWithUnsent(1, 2);
    browser.hidePage();
    const next = nextPage(tab);
    answer(next.browser.socket, {}, "unavailable");
    void next.client.send("chat", 3);
    next.browser.hidePage();
    sent.push(client.send("chat", 4)); // by a listener while the page was hidden
    browser.restorePage();
    browser.socket.welcome({
      resumed: true,
      rooms: { chat: { epoch: "e", offset: 1, recovered: true } },
    });
    await tick();
    assert.deepEqual(sentData(browser.socket), [2, 3, 4]);
    assert.deepEqual(await outcomes(sent), ["unknown", "", ""]);
    acknowledge(browser.socket);
    assert.deepEqual(await outcomes(sent), ["unknown", "done", "done"]);
  });

  test("without a storage the page keeps its messages", async () => {
    const browser = new Browser();
    const environment = { ...browser.environment, storage: null };
    const { client } = page({ environment }, browser);
    client.connect();
    browser.socket.welcome();
    const sent = client.send("chat", 1);
    await tick();
    browser.hidePage();
    browser.restorePage();
    browser.socket.welcome();
    acknowledge(browser.socket);
    await sent;
  });

  test("a storage that is full or refused loses nothing of the page", async () => {
    const { tab, browser, client, sent } = await pageWithUnsent(1);
    const setItem = tab.setItem.bind(tab);
    tab.setItem = (key, value) => {
      if (key.endsWith(":unsent")) throw new Error("QuotaExceededError");
      setItem(key, value);
    };
    browser.hidePage();
    browser.restorePage();
    browser.socket.welcome({
      resumed: true,
      rooms: { chat: { epoch: "e", offset: 1, recovered: true } },
    });
    acknowledge(browser.socket);
    await sent[0];
    assert.equal(client.stats().pending, 0);
  });

  test("the first megabyte is saved", async () => {
    const text = "x".repeat(60_000);
    const { tab, browser } = await pageWithUnsent(
      ...Array.from({ length: 20 }, (_, n) => `${n}${text}`),
    );
    browser.hidePage();
    assert.equal(nextPage(tab).client.stats().pending, 16);
  });
});

test("messages that have become too old meanwhile keep the next page in no room", async () => {
  const tab = new FakeStorage();
  const before = pageInTab(tab);
  before.client.send("chat", 1).catch(() => {});
  await tick();
  before.browser.hidePage();
  const { browser, client } = pageIn(tab);
  browser.sleep(300_000);
  client.connect();
  assert.equal(client.stats().pending, 0);
  browser.advance(1000);
  browser.socket.open();
  assert.deepEqual(browser.socket.sent[0]?.rooms, {});
});

describe("warnUnsent", () => {
  /** Whether the browser asks. @param {Browser} browser */
  function asks(browser) {
    const event = new Event("beforeunload", { cancelable: true });
    browser.window.dispatchEvent(event);
    return event.defaultPrevented;
  }

  for (const warnUnsent of [true, false]) {
    test(`asks only while messages are pending: ${warnUnsent}`, async () => {
      const { browser, client } = connectedPage({ warnUnsent });
      assert.equal(asks(browser), false);
      void client.send("chat", 1);
      assert.equal(asks(browser), warnUnsent);
      await tick();
      answer(browser.socket, {});
      assert.equal(asks(browser), false);
      client.send("chat", 2).catch(() => {});
      client.disconnect();
      assert.equal(asks(browser), false);
    });
  }
});
