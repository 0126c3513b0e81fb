/** Several components with one client: what one of them does, the others are told. */

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { connect } from "../../realtime/static/realtime/index.js";
import { Browser, recordEvents } from "./browser.js";
import { connectedPage, page, reconnected } from "./pages.js";

let addresses = 0;

/** An address that no test before has used. */
function address() {
  addresses += 1;
  return `wss://example.com/shared-${addresses}/`;
}

/**
 * The answer to the newest join or leave.
 * @param {Browser} browser
 * @param {object} fields
 */
function answers({ socket }, fields) {
  const asked = socket.sent.filter(({ type }) => type === "join" || type === "leave").at(-1);
  socket.receive({ type: asked?.type === "leave" ? "left" : "joined", ...asked, ...fields });
}

/** A page in the room news, whose log ends at 5. */
function inNews() {
  const { browser, client } = connectedPage();
  client.join("news");
  answers(browser, { type: "joined", epoch: "e", offset: 5 });
  const told = {
    left: recordEvents(client, "left"),
    joined: recordEvents(client, "joined"),
    resyncs: recordEvents(client, "resync"),
    messages: recordEvents(client, "message"),
  };
  return { browser, client, ...told };
}

describe("a room that one of them leaves", () => {
  test("is left for all, who are told", () => {
    const { client, left } = inNews();
    client.leave("news");
    client.leave("news");
    client.leave("never joined");
    assert.deepEqual(left, [{ room: "news", code: "left" }]);
  });

  test("and joined again: there is a gap, and a word about it", () => {
    const { browser, client, joined, resyncs } = inNews();
    client.leave("news");
    answers(browser, { type: "left" });
    client.join("news");
    answers(browser, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(joined, [{ room: "news", offset: 9, recovered: false }]);
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });

  test("also while away, where the next welcome is the answer", () => {
    const page = inNews();
    page.browser.socket.drop();
    page.client.leave("news");
    page.client.join("news");
    page.browser.advance(1000);
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, { news: null });
    page.browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 9 } } });
    assert.deepEqual(page.resyncs, [{ room: "news", reason: "left" }]);
    reconnected(page, { rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    assert.equal(page.resyncs.length, 1);
  });

  test("by a right that ended, and got back", () => {
    const { browser, client, resyncs } = inNews();
    browser.socket.receive({ type: "left", room: "news" });
    client.join("news");
    answers(browser, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });

  test("before anything had come of it: told, and nothing was missed", () => {
    const { browser, client } = page();
    const [left, resyncs] = [recordEvents(client, "left"), recordEvents(client, "resync")];
    client.join("news");
    client.leave("news");
    client.join("news");
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 9 } } });
    assert.deepEqual([left, resyncs], [[{ room: "news", code: "left" }], []]);
  });

  test("a listener that joins again at once is in it", () => {
    const { browser, client, resyncs } = inNews();
    client.addEventListener("left", () => client.join("news"), { once: true });
    client.leave("news");
    answers(browser, { type: "left" });
    answers(browser, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });
});

describe("a disconnect", () => {
  test("silences all rooms, which is said; and connected again they go on where they were", () => {
    const { browser, client, left, joined, resyncs, messages } = inNews();
    const states = recordEvents(client, "state");
    client.disconnect();
    client.disconnect();
    assert.deepEqual(left, [{ room: "news", code: "disconnected" }]);
    assert.equal(states.length, 1);
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 6, recovered: true } } });
    browser.socket.receive({ type: "publication", room: "news", offset: 6, time: 1, data: 6 });
    assert.deepEqual(joined, [{ room: "news", offset: 6, recovered: true }]);
    assert.deepEqual([resyncs.length, messages.length], [0, 1]);
    client.disconnect();
    assert.equal(left.length, 2);
  });

  test("where the log does not reach back: resync", () => {
    const { browser, client, resyncs } = inNews();
    client.disconnect();
    client.connect();
    const news = { epoch: "e", offset: 600, recovered: false, reason: "expired" };
    browser.socket.welcome({ rooms: { news } });
    assert.deepEqual(resyncs, [{ room: "news", reason: "expired" }]);
  });
});

describe("joins and leaves while away", () => {
  test("are no more than the last wish of each room", () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    for (let i = 0; i < 1000; i += 1) {
      client.join("news");
      client.leave("news");
      client.join(`room-${i}`);
      client.leave(`room-${i}`);
    }
    client.join("news");
    browser.advance(1000);
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: null });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 9 } } });
    assert.ok(browser.socket.sent.every(({ type }) => type === "hello"));
  });

  test("take no memory", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc");
    const { browser, client } = connectedPage();
    browser.socket.drop();
    collect();
    const { heapUsed } = process.memoryUsage();
    for (let i = 0; i < 20_000; i += 1) {
      client.join(`room-${i}`);
      client.leave(`room-${i}`);
    }
    collect();
    const grown = process.memoryUsage().heapUsed - heapUsed;
    assert.ok(grown < 1_000_000, `${grown} bytes`);
  });

  test("nor does a server that does not answer make them pile up", () => {
    const { browser, client } = connectedPage();
    for (let i = 0; i < 1000; i += 1) {
      client.join("news");
      client.leave("news");
    }
    client.join("news");
    while (browser.socket.sent.at(-1)?.id !== browser.socket.sent.at(-2)?.id) {
      const { length } = browser.socket.sent;
      answers(browser, { epoch: "e", offset: 0 });
      if (browser.socket.sent.length === length) break;
    }
    const asked = browser.socket.sent.slice(1).map(({ type }) => type);
    assert.deepEqual(asked, ["join", "leave", "join"]);
  });
});

describe("connect() for the page", () => {
  test("connects a client again that was disconnected: mount, unmount, mount", () => {
    const { environment } = new Browser();
    const url = address();
    const mount = () => {
      const client = connect({ url, environment });
      client.join("news");
      return () => client.disconnect();
    };
    mount()();
    mount();
    assert.equal(connect({ url, environment }).state, "connecting");
  });

  for (const code of [4500, 4501, 4503]) {
    test(`leaves one alone that the server has sent away with ${code}`, () => {
      const browser = new Browser();
      const { environment } = browser;
      const url = address();
      connect({ url, environment });
      browser.socket.welcome();
      browser.socket.receive({ type: "goodbye", code, reason: "because" });
      assert.equal(connect({ url, environment }).stats().reason, "because");
      assert.equal(browser.sockets.length, 1);
    });
  }

  test("nor does it bring back a page that was left or frozen", () => {
    const browser = new Browser();
    const { environment } = browser;
    const url = address();
    connect({ url, environment });
    browser.socket.welcome();
    browser.document.dispatchEvent(new Event("freeze"));
    connect({ url, environment });
    assert.equal(browser.sockets.length, 1);
  });

  test("does not hurry one that waits, nor ask one that is connected for life", () => {
    const browser = new Browser();
    const { environment } = browser;
    const url = address();
    connect({ url, environment });
    browser.socket.welcome();
    connect({ url, environment });
    assert.equal(browser.socket.sent.length, 1);
    browser.socket.drop();
    connect({ url, environment });
    assert.equal(browser.sockets.length, 1);
  });

  test("warns of options that are ignored, and of no others", () => {
    const { environment } = new Browser();
    const url = address();
    const warned = mock.method(console, "warn", () => {});
    const backoff = { base: 5 };
    connect({ url, environment, backoff });
    for (const same of [{}, { backoff: { base: 5 } }, { autoReconnect: true, environment }])
      connect({ url, ...same });
    assert.equal(warned.mock.callCount(), 0);
    connect({ url, autoReconnect: false, backoff: { base: 6 } });
    assert.match(warned.mock.calls[0]?.arguments[0], /ignored autoReconnect, backoff: .*shared-/);
    warned.mock.restore();
  });
});
