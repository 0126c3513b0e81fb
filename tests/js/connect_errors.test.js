/** Browsers that do not let the page connect at all. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isBlockedByPolicy } from "../../realtime/js/connect_errors.js";
import { Browser, recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

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
