/** Several components share one client; events tell all of them what one of them does. */

import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { connect } from "../../realtime/js/index.js";
import { Browser, recordEvents } from "./browser.js";
import { connectedPage, page, reconnected } from "./pages.js";
import { answerRoom, pageInNews } from "./room_pages.js";

let addresses = 0;

/** An address that no other test uses. */
function address() {
  addresses += 1;
  return `wss://example.com/shared-${addresses}/`;
}

describe("a room that one component leaves", () => {
  test("is left for all, with one event", () => {
    const { client, left } = pageInNews();
    client.leave("news");
    client.leave("news");
    client.leave("never joined");
    assert.deepEqual(left, [{ room: "news", code: "left" }]);
  });

  test("has a gap after the next join, with a resync event", () => {
    const { browser, client, joined, resyncs } = pageInNews();
    client.leave("news");
    answerRoom(browser.socket, { type: "left" });
    client.join("news");
    answerRoom(browser.socket, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(joined, [{ room: "news", offset: 9, recovered: false }]);
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });

  test("has a gap if it was left and joined while disconnected", () => {
    const page = pageInNews();
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

  test("has a gap after a lost and regained permission", () => {
    const { browser, client, resyncs } = pageInNews();
    browser.socket.receive({ type: "left", room: "news" });
    client.join("news");
    answerRoom(browser.socket, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });

  test("has no gap if the join was never answered", () => {
    const { browser, client } = page();
    const [left, resyncs] = [recordEvents(client, "left"), recordEvents(client, "resync")];
    client.join("news");
    client.leave("news");
    client.join("news");
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 9 } } });
    assert.deepEqual([left, resyncs], [[{ room: "news", code: "left" }], []]);
  });

  test("is joined again by a listener to `left`", () => {
    const { browser, client, resyncs } = pageInNews();
    client.addEventListener("left", () => client.join("news"), { once: true });
    client.leave("news");
    answerRoom(browser.socket, { type: "left" });
    answerRoom(browser.socket, { type: "joined", epoch: "e", offset: 9 });
    assert.deepEqual(resyncs, [{ room: "news", reason: "left" }]);
  });
});

describe("disconnect()", () => {
  test("sends a left event for each room; connect() continues at the positions", () => {
    const { browser, client, left, joined, resyncs, messages } = pageInNews();
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

  test("is followed by resync if the log does not reach back", () => {
    const { browser, client, resyncs } = pageInNews();
    client.disconnect();
    client.connect();
    const news = { epoch: "e", offset: 600, recovered: false, reason: "expired" };
    browser.socket.welcome({ rooms: { news } });
    assert.deepEqual(resyncs, [{ room: "news", reason: "expired" }]);
  });
});

describe("joins and leaves without a connection", () => {
  test("only the last one of each room counts", () => {
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

  test("are not queued", () => {
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

  test("are not queued without bound by a server that does not answer", () => {
    const { browser, client } = connectedPage();
    for (let i = 0; i < 1000; i += 1) {
      client.join("news");
      client.leave("news");
    }
    client.join("news");
    while (browser.socket.sent.at(-1)?.id !== browser.socket.sent.at(-2)?.id) {
      const { length } = browser.socket.sent;
      answerRoom(browser.socket, { epoch: "e", offset: 0 });
      if (browser.socket.sent.length === length) break;
    }
    const sent = browser.socket.sent.slice(1).map(({ type }) => type);
    assert.deepEqual(sent, ["join", "leave", "join"]);
  });
});

describe("the connect() function", () => {
  test("connects again after disconnect(): mount, unmount, mount", () => {
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
    test(`does not connect after the final code ${code}`, () => {
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

  test("does not connect a page that is hidden or frozen", () => {
    const browser = new Browser();
    const { environment } = browser;
    const url = address();
    connect({ url, environment });
    browser.socket.welcome();
    browser.document.dispatchEvent(new Event("freeze"));
    connect({ url, environment });
    assert.equal(browser.sockets.length, 1);
  });

  test("neither shortens a wait nor probes a connection", () => {
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

  test("warns of ignored options only", () => {
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

  test("warns of tokens that it does not use, not of a component that is mounted again", () => {
    const { environment } = new Browser();
    const url = "wss://example.com/mounted/";
    const mount = () => connect({ url, environment, auth: async () => "token" });
    mount();
    const warned = mock.method(console, "warn", () => {});
    mount();
    assert.equal(warned.mock.callCount(), 0);
    connect({ url, auth: "another" });
    assert.match(warned.mock.calls[0]?.arguments[0], /ignored auth: /);
    warned.mock.restore();
  });
});
