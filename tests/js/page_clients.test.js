import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { connect, RealtimeClient } from "../../realtime/js/index.js";
import { Browser } from "./browser.js";

const { version: VERSION } = JSON.parse(
  readFileSync(new URL("../../realtime/js/package.json", import.meta.url), "utf8"),
);
const [MAJOR, MINOR, PATCH] = VERSION.split(".").map(Number);
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

/** A copy of the bundle as if it had another version. @param {string} version */
async function copyOf(version) {
  const source = readFileSync(BUNDLE, "utf8");
  assert.equal(source.split(VERSION).length, 2);
  const other = source.replace(VERSION, version);
  return import(`data:text/javascript,${encodeURIComponent(other)}`);
}

test("a copy whose version adds to the api has clients of its own", async () => {
  const copy = await copyOf(`${MAJOR}.${MINOR + 1}.0`);
  const browser = new Browser();
  const options = { url: "wss://example.com/next/", environment: browser.environment };
  const [one, other] = [connect(options), copy.connect(options)];
  assert.ok(other instanceof copy.RealtimeClient);
  assert.equal(connect(options), one);
  assert.equal(copy.connect(options), other);
  assert.equal(browser.sockets.length, 2);
});

test("a copy whose version only mends shares the page's clients", async () => {
  const copy = await copyOf(`${MAJOR}.${MINOR}.${PATCH + 1}`);
  const { environment } = new Browser();
  const options = { url: "wss://example.com/mended/", environment };
  assert.equal(copy.connect(options), connect(options));
});

test("without an address it is that which the page's script names", () => {
  const { environment } = new Browser();
  const script = { dataset: { realtimeUrl: "/shop/ws/" } };
  const document = { baseURI: "https://example.com/shop/", querySelector: () => script };
  Object.assign(globalThis, { document });
  try {
    const client = connect({ environment });
    assert.equal(client.url, "wss://example.com/shop/ws/");
    assert.equal(new RealtimeClient({ environment }).url, client.url);
    assert.equal(connect({ url: "/shop/ws/" }), client);
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
});
