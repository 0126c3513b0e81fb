import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { connect, RealtimeClient } from "../../realtime/js/index.js";
import { Browser } from "./browser.js";

const BUNDLE = new URL("../../realtime/static/realtime/realtime.js", import.meta.url);

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

for (const name of ["js/index.js?copy", "static/realtime/realtime.js"]) {
  test(`a second copy of the client, ${name}, shares the page's clients`, async () => {
    const { environment } = new Browser();
    const options = { url: `wss://example.com/${name}`, environment };
    const client = connect(options);
    const copy = await import(`../../realtime/${name}`);
    assert.equal(copy.connect(options), client);
  });
}

test("a copy with another version of the api has clients of its own", async () => {
  const source = readFileSync(BUNDLE, "utf8");
  assert.equal(source.split('"clients.1"').length, 2);
  const next = source.replace('"clients.1"', '"clients.2"');
  const copy = await import(`data:text/javascript,${encodeURIComponent(next)}`);
  const browser = new Browser();
  const options = { url: "wss://example.com/next/", environment: browser.environment };
  const [one, other] = [connect(options), copy.connect(options)];
  assert.ok(other instanceof copy.RealtimeClient);
  assert.equal(connect(options), one);
  assert.equal(copy.connect(options), other);
  assert.equal(browser.sockets.length, 2);
});
