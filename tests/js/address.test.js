import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { framePath, socketUrl } from "../../realtime/js/address.js";

describe("addresses", () => {
  /**
   * @param {{baseURI?: string, href?: string, origin?: string, protocol?: string}} location
   * @param {string} url
   */
  function urlFrom({ baseURI, ...location }, url) {
    const names = { document: baseURI ? { baseURI } : undefined, location };
    Object.assign(globalThis, names);
    try {
      return socketUrl(url);
    } finally {
      for (const name of Object.keys(names)) Reflect.deleteProperty(globalThis, name);
    }
  }

  test("are relative to the page's base", () => {
    const baseURI = "https://example.com/app/";
    assert.equal(urlFrom({ baseURI, href: "about:srcdoc" }, "/ws/"), "wss://example.com/ws/");
    assert.equal(urlFrom({ baseURI, href: "https://x.org/" }, "ws/"), "wss://example.com/app/ws/");
  });

  test("in a worker are relative to its address, or to the origin of its blob", () => {
    const blob = {
      href: "blob:https://a.example/1-2",
      protocol: "blob:",
      origin: "https://a.example",
    };
    assert.equal(urlFrom(blob, "/ws/"), "wss://a.example/ws/");
    assert.equal(urlFrom({ ...blob, baseURI: blob.href }, "/ws/"), "wss://a.example/ws/");
    const worker = {
      href: "http://a.example/js/w.js",
      protocol: "http:",
      origin: "http://a.example",
    };
    assert.equal(urlFrom(worker, "/ws/"), "ws://a.example/ws/");
  });

  test("that are absolute need no page address", () => {
    const nowhere = { href: "blob:null/1-2", protocol: "blob:", origin: "null" };
    assert.equal(urlFrom(nowhere, "wss://a.example/ws/"), "wss://a.example/ws/");
  });
});

test("framePath names the path of nested frames", () => {
  /** @type {any} */
  const top = [];
  top.parent = top;
  /** @type {any} */
  const middle = [{}, {}];
  middle.parent = top;
  top.push({ parent: top }, middle);
  for (const frame of middle) frame.parent = middle;
  assert.deepEqual([top, middle, middle[0], middle[1]].map(framePath), ["", "/1", "/1/0", "/1/1"]);
  assert.equal(framePath(undefined), "");
});
