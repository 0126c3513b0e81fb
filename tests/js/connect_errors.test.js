/** Browsers that do not let the page connect at all. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isBlockedByPolicy } from "../../realtime/js/connect_errors.js";
import { Browser, recordEvents } from "./browser.js";
import { tick } from "./message_pages.js";
import { advanceToNextAttempt, connectedPage, goodbye, page } from "./pages.js";

/** @param {Error[]} errors that the constructor throws, one after the other */
function throwing(...errors) {
  const browser = new Browser();
  const { environment } = browser;
  const { WebSocket } = environment;
  const Refusing = class extends WebSocket {
    /**
     * @param {string} url
     * @param {string} protocol
     */
    constructor(url, protocol) {
      const error = errors.shift();
      if (error) throw error;
      super(url, protocol);
    }
  };
  return page({ environment: { ...environment, WebSocket: Refusing } }, browser);
}

describe("a constructor that throws", () => {
  for (const name of ["SecurityError", "SyntaxError"]) {
    test(`${name}: the error state with its reason, and no timer`, () => {
      const { browser, client } = throwing(new DOMException("an insecure connection", name));
      const states = recordEvents(client, "state");
      client.connect();
      assert.deepEqual(
        states.map(({ state }) => state),
        ["connecting", "error"],
      );
      const reason = "no connection can be made: an insecure connection";
      assert.equal(client.stats().reason, reason);
      const { code, reason: why } = client.stats().lastError ?? {};
      assert.deepEqual([code, why], [1006, reason]);
      assert.equal(browser.timers, 0);
    });
  }

  test("a browser without WebSocket is in the error state", () => {
    const environment = /** @type {any} */ ({ ...new Browser().environment, WebSocket: undefined });
    const { client } = page({ environment });
    client.connect();
    assert.equal(client.state, "error");
  });

  test("after other errors the client attempts again", () => {
    const { browser, client } = throwing(new Error("no room"), new Error("no room"));
    client.connect();
    assert.equal(client.state, "connecting");
    assert.match(client.stats().reason, /no room/);
    advanceToNextAttempt(browser, client);
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    assert.equal(client.state, "connected");
  });

  test("connect() attempts again", () => {
    const { browser, client } = throwing(new DOMException("not now", "SecurityError"));
    client.connect();
    client.connect();
    browser.socket.welcome();
    assert.equal(client.state, "connected");
    assert.equal(client.stats().reason, "");
  });
});

describe("a content security policy", () => {
  const violation = {
    disposition: "enforce",
    effectiveDirective: "connect-src",
    blockedURI: "wss://example.com/ws/",
  };

  /**
   * @param {Browser} browser
   * @param {object} fields
   */
  function violates(browser, fields = {}) {
    const event = new Event("securitypolicyviolation");
    browser.policy.dispatchEvent(Object.assign(event, violation, fields));
  }

  test("that blocks the socket puts the client in the error state at once", () => {
    const { browser, client } = page();
    client.connect();
    violates(browser);
    assert.equal(client.state, "error");
    assert.match(client.stats().reason, /content security policy/);
    assert.equal(browser.timers, 0);
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(browser.sockets.length, 1);
  });

  test("that blocks other things is ignored", () => {
    const { browser, client } = page();
    client.connect();
    violates(browser, { disposition: "report" });
    violates(browser, { effectiveDirective: "img-src" });
    violates(browser, { blockedURI: "https://example.com/elsewhere" });
    violates(browser, { blockedURI: "" });
    assert.equal(client.state, "connecting");
    browser.socket.welcome();
    assert.equal(client.state, "connected");
  });

  test("is ignored once the socket is open", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    violates(browser, { blockedURI: "wss" });
    browser.socket.welcome();
    violates(browser, { blockedURI: "wss" });
    assert.equal(client.state, "connected");
  });

  test("blocks the socket, too, if the browser reports only the origin", () => {
    const url = "wss://live.example.com/ws/";
    for (const blockedURI of [url, "wss://live.example.com", "wss"])
      assert.ok(isBlockedByPolicy(/** @type {any} */ ({ ...violation, blockedURI }), url));
  });

  test("has no listener after the connection ends", () => {
    const { browser, client } = connectedPage();
    let listeners = 0;
    const { policy } = browser;
    policy.removeEventListener = () => (listeners += 1);
    client.disconnect();
    assert.equal(listeners, 1);
  });
});

describe("the event `connect_error`", () => {
  /** @type {[string, boolean, (browser: Browser) => void][]} cause, whether another attempt follows, end */
  const ends = [
    ["origin", false, ({ socket }) => socket.drop(4502, "origin not allowed")],
    ["origin", false, ({ socket }) => socket.receive(goodbye(4502))],
    ["login", false, ({ socket }) => socket.drop(4501)],
    ["login", false, ({ socket }) => socket.drop(4503)],
    ["login", true, ({ socket }) => socket.receive(goodbye(4008))],
    ["network", true, ({ socket }) => socket.drop(1006)],
    ["server", false, ({ socket }) => socket.drop(4504, "too many sessions")],
    ["server", true, ({ socket }) => socket.drop(1011)],
    ["timeout", true, (browser) => browser.advance(10_000)],
  ];
  for (const [index, [cause, willReconnect, end]] of ends.entries())
    test(`gives the cause ${cause} (${index})`, () => {
      const { browser, client } = page();
      const errors = recordEvents(client, "connect_error");
      client.connect();
      browser.socket.open();
      end(browser);
      const { code, reason } = client.stats().lastError ?? {};
      assert.deepEqual(errors, [{ cause, code, reason, willReconnect }]);
      assert.equal(client.state === "connecting", willReconnect);
    });

  test("tells a policy from another refusal of the browser", () => {
    const blocked = page();
    const refused = throwing(new DOMException("an insecure connection", "SecurityError"));
    const errors = [blocked, refused].map(({ client }) => recordEvents(client, "connect_error"));
    for (const { client } of [blocked, refused]) client.connect();
    const violation = { disposition: "enforce", effectiveDirective: "connect-src" };
    const event = Object.assign(new Event("securitypolicyviolation"), violation);
    blocked.browser.policy.dispatchEvent(Object.assign(event, { blockedURI: "wss" }));
    const causes = errors.flat().map(({ cause, willReconnect }) => [cause, willReconnect]);
    assert.deepEqual(causes, [
      ["policy", false],
      ["browser", false],
    ]);
  });

  test("comes for a page without a token", async () => {
    const { client } = page({ auth: () => "" });
    const errors = recordEvents(client, "connect_error");
    client.connect();
    await tick();
    assert.deepEqual([errors.length, errors[0].cause, errors[0].willReconnect], [1, "login", true]);
  });

  test("comes for each attempt, and not for a connection that was established", () => {
    const { browser, client } = connectedPage();
    const errors = recordEvents(client, "connect_error");
    const lost = recordEvents(client, "connection_lost");
    browser.socket.drop(1006);
    assert.deepEqual([errors.length, lost.length], [0, 1]);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      advanceToNextAttempt(browser, client);
      browser.socket.drop(1006);
      assert.deepEqual([errors.length, lost.length], [attempt, 1]);
    }
    client.disconnect();
    assert.equal(errors.length, 3);
  });
});

test("an error event without a close event: the client attempts again after 1 s", () => {
  const { browser, client } = page();
  client.connect();
  browser.socket.onerror?.();
  browser.advance(1000);
  assert.equal(client.state, "connecting");
  assert.match(client.stats().reason, /the browser refuses/);
});

test("an error event before the close event changes nothing", () => {
  const { browser, client } = page();
  client.connect();
  browser.socket.onerror?.();
  browser.socket.drop(4501);
  assert.equal(client.stats().lastError?.code, 4501);
});
