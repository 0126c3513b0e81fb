import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, RealtimeClient } from "../../realtime/js/index.js";
import { Browser } from "./browser.js";

test("a page has one client for an address", () => {
  const browser = new Browser();
  const { environment } = browser;
  const first = connect({ url: "wss://example.com/one/", environment });
  const second = connect({ url: "https://example.com/one/", environment });
  assert.ok(first instanceof RealtimeClient);
  assert.equal(second, first);
  assert.equal(browser.sockets.length, 1);
});

test("another address has another client", () => {
  const { environment } = new Browser();
  const here = connect({ url: "wss://example.com/here/", environment });
  const there = connect({ url: "wss://example.com/there/", environment });
  assert.notEqual(here, there);
});

test("a second copy of the module shares the page's clients", async () => {
  const { environment } = new Browser();
  const client = connect({ url: "wss://example.com/copy/", environment });
  const copy = await import(`../../realtime/js/index.js?${Date.now()}`);
  assert.equal(copy.connect({ url: "wss://example.com/copy/" }), client);
});
