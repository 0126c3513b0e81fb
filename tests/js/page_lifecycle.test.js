/** The client and its page: navigation, duplicates, sleep, hidden tabs, freezing. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage, recordEvents } from "./browser.js";
import { connectedPage, goodbye, page, pageInTab } from "./pages.js";

describe("pages and tabs", () => {
  test("the next page of the tab resumes the session", () => {
    const tab = new FakeStorage();
    const first = pageInTab(tab);
    first.browser.hidePage();
    assert.equal(first.browser.socket.closedWith, "none");
    assert.equal(first.browser.socket.sentOfType("bye").length, 0);
    const second = pageInTab(tab);
    assert.deepEqual(second.browser.socket.sent[0]?.resume, {
      session: "s1",
      token: "t1",
      turn: 1,
    });
  });

  // Firefox keeps nothing that a page writes at `pagehide` if the next one comes out of its cache.
  test("the next page resumes what the page has saved before it went", () => {
    const tab = new FakeStorage();
    const { browser } = pageInTab(tab);
    browser.window.dispatchEvent(new Event("beforeunload"));
    const kept = tab.copy();
    browser.hidePage();
    const { resume } = pageInTab(kept).browser.socket.sent[0] ?? {};
    assert.deepEqual(resume, { session: "s1", token: "t1", turn: 1 });
  });

  test("a page that stays after all saves nothing", () => {
    const tab = new FakeStorage();
    const { browser, client } = pageInTab(tab);
    void client.send("chat:lobby", 1);
    browser.window.dispatchEvent(new Event("beforeunload"));
    assert.equal(tab.items.size, 2);
    browser.advance(1000);
    assert.equal(tab.items.size, 0);
    assert.equal(client.state, "connected");
  });

  test("a page that is sent away or disconnected while it goes saves nothing", () => {
    for (const end of ["away", "disconnected"]) {
      const tab = new FakeStorage();
      const { browser, client } = pageInTab(tab);
      void client.send("chat:lobby", 1).catch(() => {});
      browser.window.dispatchEvent(new Event("beforeunload"));
      if (end === "away") browser.socket.receive(goodbye(4503));
      else client.disconnect();
      browser.hidePage();
      assert.equal(tab.items.size, 0, end);
    }
  });

  test("a duplicate of a hidden tab gets a new session", () => {
    const tab = new FakeStorage();
    const { browser } = pageInTab(tab);
    browser.setVisibility("hidden");
    const duplicate = pageInTab(tab.copy());
    assert.equal(duplicate.browser.socket.sent[0]?.resume, undefined);
  });

  test("a page from the back-forward cache resumes the session of the page after it", () => {
    const tab = new FakeStorage();
    const first = pageInTab(tab);
    first.browser.hidePage();
    assert.equal(first.client.state, "disconnected");
    pageInTab(tab).browser.hidePage();
    first.browser.restorePage();
    first.browser.socket.open();
    assert.equal(first.client.state, "connecting");
    assert.deepEqual(first.browser.socket.sent[0]?.resume, { session: "s1", token: "t1", turn: 2 });
    assert.equal(tab.items.size, 0);
  });

  test("a page from the cache waits until the other page has saved its session", () => {
    const tab = new FakeStorage();
    const first = connectedPage({}, new Browser(tab));
    first.browser.hidePage();
    const second = connectedPage({}, new Browser(tab), { session: "s2", token: "t2" });
    first.browser.window.dispatchEvent(new Event("pageshow"));
    first.browser.advance(5);
    assert.equal(first.browser.sockets.length, 1);
    second.browser.hidePage();
    first.browser.advance(95);
    first.browser.socket.open();
    assert.deepEqual(first.browser.socket.sent[0]?.resume, { session: "s2", token: "t2", turn: 1 });
    assert.equal(tab.items.size, 0);
  });

  test("a page from the cache that connects at once waits for the session, too", () => {
    const tab = new FakeStorage();
    const first = pageInTab(tab);
    first.browser.hidePage();
    const second = connectedPage({}, new Browser(tab), { session: "s2", token: "t2" });
    void second.client.send("chat:lobby", "unsent");
    first.browser.window.dispatchEvent(new Event("pageshow"));
    first.client.connect();
    second.browser.hidePage();
    first.browser.advance(100);
    first.browser.socket.welcome({ session: "s2", token: "t2", resumed: true });
    assert.deepEqual(first.browser.socket.sent[0]?.resume, { session: "s2", token: "t2", turn: 1 });
    assert.equal(first.client.stats().pending, 1);
    assert.equal(tab.items.size, 0);
    first.browser.hidePage();
    assert.equal(tab.items.size, 2);
  });

  test("a page that is away waits before it connects again after a login, too", () => {
    const { browser } = connectedPage();
    browser.socket.receive(goodbye(4501));
    browser.hidePage();
    browser.window.dispatchEvent(new Event("pageshow"));
    browser.window.dispatchEvent(new Event("focus"));
    assert.equal(browser.sockets.length, 1);
    browser.advance(100);
    assert.equal(browser.sockets.length, 2);
  });

  // As pages do that reload themselves when they come out of the cache.
  test("a page from the cache that leaves again at once keeps what the other page has saved", () => {
    const tab = new FakeStorage();
    const first = pageInTab(tab);
    first.browser.hidePage();
    const second = connectedPage({}, new Browser(tab), { session: "s2", token: "t2" });
    void second.client.send("chat:lobby", "unsent");
    first.browser.window.dispatchEvent(new Event("pageshow"));
    second.browser.hidePage();
    const { items } = tab.copy();
    first.browser.window.dispatchEvent(new Event("beforeunload"));
    first.browser.hidePage();
    assert.deepEqual(tab.items, items);
    const third = connectedPage({}, new Browser(tab), {
      session: "s2",
      token: "t2",
      resumed: true,
    });
    assert.deepEqual(third.browser.socket.sent[0]?.resume, { session: "s2", token: "t2", turn: 1 });
    assert.equal(third.client.stats().pending, 1);
  });

  test("a disconnected page from the cache removes the saved session", () => {
    const tab = new FakeStorage();
    const { browser } = connectedPage({ autoReconnect: false }, new Browser(tab));
    browser.socket.drop();
    browser.hidePage();
    assert.equal(tab.items.size, 1);
    browser.restorePage();
    assert.equal(tab.items.size, 0);
    assert.equal(browser.sockets.length, 1);
  });

  test("a page that is hidden again before the handover does not connect", () => {
    const { browser } = connectedPage();
    browser.hidePage();
    browser.window.dispatchEvent(new Event("pageshow"));
    browser.hidePage();
    browser.advance(1000);
    assert.equal(browser.sockets.length, 1);
  });

  test("freeze and resume around the cache do not connect", () => {
    const { browser } = connectedPage();
    browser.hidePage();
    browser.document.dispatchEvent(new Event("freeze"));
    browser.document.dispatchEvent(new Event("resume"));
    assert.equal(browser.sockets.length, 1);
    browser.restorePage();
    assert.equal(browser.sockets.length, 2);
  });

  test("a page from the cache stays disconnected after disconnect()", () => {
    const { browser, client } = connectedPage();
    client.disconnect();
    browser.hidePage();
    browser.restorePage();
    assert.equal(browser.sockets.length, 1);
    assert.equal(browser.storage.items.size, 0);
  });

  test("after a final code a page saves no session and stays away", () => {
    const { browser } = connectedPage();
    browser.socket.receive({ type: "goodbye", code: 4504, reason: "" });
    browser.hidePage();
    assert.equal(browser.storage.items.size, 0);
    browser.restorePage();
    assert.equal(browser.sockets.length, 1);
  });

  test("the first pageshow after load is ignored", () => {
    const { browser } = connectedPage();
    const { timers } = browser;
    browser.window.dispatchEvent(new Event("pageshow"));
    assert.equal(browser.timers, timers);
  });

  test("disconnect() before the handover cancels it", () => {
    const { browser, client } = connectedPage();
    browser.hidePage();
    browser.window.dispatchEvent(new Event("pageshow"));
    client.disconnect();
    browser.advance(1000);
    assert.equal(browser.sockets.length, 1);
  });

  test("disconnect() removes all listeners", () => {
    const browser = new Browser();
    /** @type {AbortSignal[]} */
    const signals = [];
    for (const target of [browser.window, browser.document]) {
      const { addEventListener } = target;
      target.addEventListener = (/** @type {any[]} */ ...[type, listener, options]) => {
        signals.push(options.signal);
        addEventListener.call(target, type, listener, options);
      };
    }
    connectedPage({}, browser).client.disconnect();
    assert.equal(signals.length, 10);
    assert.ok(signals.every(({ aborted }) => aborted));
  });
});

describe("freezing", () => {
  test("a frozen page closes with 4006 and resumes when thawed", () => {
    const { browser, client } = connectedPage();
    const lost = recordEvents(client, "connection_lost");
    browser.document.dispatchEvent(new Event("freeze"));
    assert.equal(browser.socket.closedWith, 4006);
    assert.equal(client.stats().reason, "page frozen");
    assert.deepEqual(lost, [{ code: 4006, reason: "page frozen", willReconnect: false }]);
    assert.equal(browser.timers, 0);
    browser.document.dispatchEvent(new Event("resume"));
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.resume, { session: "s1", token: "t1", turn: 1 });
  });

  test("a page from the cache can be frozen and thawed", () => {
    const { browser } = connectedPage();
    browser.hidePage();
    browser.restorePage();
    browser.socket.welcome({ resumed: true });
    browser.document.dispatchEvent(new Event("freeze"));
    browser.document.dispatchEvent(new Event("resume"));
    assert.equal(browser.sockets.length, 3);
  });

  test("a thawed page stays away after a final code", () => {
    const { browser } = connectedPage();
    browser.document.dispatchEvent(new Event("freeze"));
    browser.document.dispatchEvent(new Event("resume"));
    browser.socket.welcome({ resumed: true });
    browser.socket.receive(goodbye(4501));
    browser.document.dispatchEvent(new Event("freeze"));
    browser.document.dispatchEvent(new Event("resume"));
    assert.equal(browser.sockets.length, 2);
  });

  test("a page that is hidden while frozen saves its session", () => {
    const { browser } = connectedPage();
    browser.document.dispatchEvent(new Event("freeze"));
    browser.hidePage();
    assert.equal(browser.storage.items.size, 1);
  });
});

describe("hidden tabs", () => {
  test("the client sends each change of visibility", () => {
    const { browser } = connectedPage();
    browser.setVisibility("hidden");
    browser.setVisibility("visible");
    assert.deepEqual(
      browser.socket.sentOfType("visibility").map(({ state }) => state),
      ["hidden", "visible"],
    );
  });

  test("hello has the current visibility", () => {
    const { browser, client } = page();
    browser.setVisibility("hidden");
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent[0]?.visibility, "hidden");
  });

  test("a tab that was hidden for 10 s probes, one that was hidden for less does not", () => {
    const { browser, client } = connectedPage();
    browser.setVisibility("hidden");
    browser.advance(9999);
    browser.setVisibility("visible");
    assert.equal(browser.socket.sentOfType("ping").length, 0);
    browser.setVisibility("hidden");
    browser.advance(10_000);
    browser.setVisibility("visible");
    assert.equal(client.state, "unstable");
    assert.equal(browser.socket.sentOfType("ping").length, 1);
    browser.advance(2000);
    assert.equal(client.state, "connecting");
  });

  test("a throttled hidden tab keeps its connection for ten minutes", () => {
    const { browser, client } = connectedPage();
    browser.setVisibility("hidden");
    let sequence = 0;
    for (let minute = 0; minute < 10; minute += 1) {
      for (const quiet of [25_000, 25_000]) {
        browser.stall(quiet);
        browser.socket.receive({ type: "ping", sequence: ++sequence, timestamp: "" });
      }
      browser.advanceThrottled(10_000);
    }
    assert.equal(client.state, "connected");
    assert.equal(browser.sockets.length, 1);
    assert.equal(browser.socket.sentOfType("pong").length, 20);
  });
});

describe("sleeping", () => {
  test("after a wake the client probes; a dead connection is lost after 2 s", () => {
    const { browser, client } = connectedPage();
    browser.advance(5000);
    browser.sleep(3_600_000);
    browser.advance(1000);
    assert.equal(client.state, "unstable");
    browser.advance(2000);
    assert.equal(client.state, "connecting");
    browser.advance(500);
    assert.equal(browser.sockets.length, 2);
  });

  test("after a wake a live connection is kept", () => {
    const { browser, client } = connectedPage();
    browser.advance(5000);
    browser.stall(90_000);
    browser.advance(0);
    browser.socket.receive({ type: "pong", sequence: 1 });
    browser.advance(10_000);
    assert.equal(client.state, "connected");
    assert.equal(browser.sockets.length, 1);
  });

  test("an online event causes one probe", () => {
    const { browser, client } = connectedPage();
    browser.window.dispatchEvent(new Event("online"));
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(client.state, "unstable");
    assert.equal(browser.socket.sentOfType("ping").length, 1);
  });
});
