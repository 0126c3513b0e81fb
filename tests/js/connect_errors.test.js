/** A browser that does not let the page connect at all. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { socketUrl } from "../../realtime/static/realtime/address.js";
import { isBlockedByPolicy } from "../../realtime/static/realtime/connect_errors.js";
import { Browser, recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

/** @param {Error[]} errors what the constructor throws, one after the other */
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
    test(`${name}: an error with its reason, and no timer`, () => {
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

  test("no WebSocket at all", () => {
    const environment = /** @type {any} */ ({ ...new Browser().environment, WebSocket: undefined });
    const { client } = page({ environment });
    client.connect();
    assert.equal(client.state, "error");
  });

  test("what may go away is tried again", () => {
    const { browser, client } = throwing(new Error("no room"), new Error("no room"));
    client.connect();
    assert.equal(client.state, "connecting");
    assert.match(client.stats().reason, /no room/);
    advanceToNextAttempt(browser, client);
    advanceToNextAttempt(browser, client);
    browser.socket.welcome();
    assert.equal(client.state, "connected");
  });

  test("after it somebody may try again", () => {
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

  test("that isBlockedByPolicy the socket is the reason at once, and it is not tried again", () => {
    const { browser, client } = page();
    client.connect();
    violates(browser);
    assert.equal(client.state, "error");
    assert.match(client.stats().reason, /content security policy/);
    assert.equal(browser.timers, 0);
    browser.window.dispatchEvent(new Event("online"));
    assert.equal(browser.sockets.length, 1);
  });

  test("that isBlockedByPolicy other things is none of ours", () => {
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

  test("is none of ours once the socket is open", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    violates(browser, { blockedURI: "wss" });
    browser.socket.welcome();
    violates(browser, { blockedURI: "wss" });
    assert.equal(client.state, "connected");
  });

  test("of which the browser tells the origin alone", () => {
    const url = "wss://live.example.com/ws/";
    for (const blockedURI of [url, "wss://live.example.com", "wss"])
      assert.ok(isBlockedByPolicy(/** @type {any} */ ({ ...violation, blockedURI }), url));
  });

  test("is listened to no longer than the connection lives", () => {
    const { browser, client } = connectedPage();
    let listeners = 0;
    const { policy } = browser;
    policy.removeEventListener = () => (listeners += 1);
    client.disconnect();
    assert.equal(listeners, 1);
  });
});

test("an error without a close: the browser has refused, and it is tried again", () => {
  const { browser, client } = page();
  client.connect();
  browser.socket.onerror?.();
  browser.advance(1000);
  assert.equal(client.state, "connecting");
  assert.match(client.stats().reason, /the browser refuses/);
});

test("an error before the close is no reason by itself", () => {
  const { browser, client } = page();
  client.connect();
  browser.socket.onerror?.();
  browser.socket.drop(4501);
  assert.equal(client.stats().lastError?.code, 4501);
});

describe("addresses", () => {
  /**
   * @param {{baseURI?: string, href?: string, origin?: string, protocol?: string}} place
   * @param {string} url
   */
  function seenFrom({ baseURI, ...location }, url) {
    const names = { document: baseURI ? { baseURI } : undefined, location };
    Object.assign(globalThis, names);
    try {
      return socketUrl(url);
    } finally {
      for (const name of Object.keys(names)) Reflect.deleteProperty(globalThis, name);
    }
  }

  test("are read from the page's base", () => {
    const baseURI = "https://example.com/app/";
    assert.equal(seenFrom({ baseURI, href: "about:srcdoc" }, "/ws/"), "wss://example.com/ws/");
    assert.equal(seenFrom({ baseURI, href: "https://x.org/" }, "ws/"), "wss://example.com/app/ws/");
  });

  test("in a worker, from its own address, or from whose blob it is", () => {
    const blob = {
      href: "blob:https://a.example/1-2",
      protocol: "blob:",
      origin: "https://a.example",
    };
    assert.equal(seenFrom(blob, "/ws/"), "wss://a.example/ws/");
    assert.equal(seenFrom({ ...blob, baseURI: blob.href }, "/ws/"), "wss://a.example/ws/");
    const worker = {
      href: "http://a.example/js/w.js",
      protocol: "http:",
      origin: "http://a.example",
    };
    assert.equal(seenFrom(worker, "/ws/"), "ws://a.example/ws/");
  });

  test("an absolute one needs no page with an address", () => {
    const nowhere = { href: "blob:null/1-2", protocol: "blob:", origin: "null" };
    assert.equal(seenFrom(nowhere, "wss://a.example/ws/"), "wss://a.example/ws/");
  });
});
