import assert from "node:assert/strict";
import { test } from "node:test";

import { IdentityKeeper } from "../../realtime/static/realtime/identity.js";
import { FakeStorage } from "./browser.js";

const URL = "wss://example.com/ws/";
const IDENTITY = { session: "s1", token: "t1", since: 5 };

/** @param {FakeStorage | null} storage */
function keeper(storage, url = URL) {
  return new IdentityKeeper(url, /** @type {any} */ (storage));
}

/** A page that has a session. @param {FakeStorage} tab */
function page(tab) {
  const identity = keeper(tab);
  identity.take();
  identity.keep(IDENTITY);
  return identity;
}

test("the next page in the tab takes it", () => {
  const tab = new FakeStorage();
  page(tab).leave();
  const next = keeper(tab);
  next.take();
  assert.deepEqual(next.current, IDENTITY);
});

test("a duplicate of a living page finds nothing", () => {
  const tab = new FakeStorage();
  page(tab).leave();
  keeper(tab).take(); // the page that lives
  const duplicate = keeper(tab.copy());
  duplicate.take();
  assert.equal(duplicate.current, null);
});

test("while a page lives nothing of it is in the storage", () => {
  const tab = new FakeStorage();
  page(tab);
  assert.equal(tab.items.size, 0);
});

test("a page out of the back-forward cache takes over from the page after it", () => {
  const tab = new FakeStorage();
  const first = page(tab);
  first.leave();
  const second = keeper(tab);
  second.take();
  second.keep({ ...IDENTITY, session: "s2" });
  second.leave();
  first.take();
  assert.equal(first.current?.session, "s2");
});

test("a page out of the cache goes on with its own where the page after it left nothing", () => {
  const tab = new FakeStorage();
  const first = page(tab);
  first.leave();
  keeper(tab).take(); // and crashed
  first.take();
  assert.deepEqual(first.current, IDENTITY);
});

test("each address has its own", () => {
  const tab = new FakeStorage();
  page(tab).leave();
  const other = keeper(tab, "wss://example.com/other/");
  other.take();
  assert.equal(other.current, null);
});

test("what is forgotten is not left behind", () => {
  const tab = new FakeStorage();
  const identity = page(tab);
  identity.forget();
  identity.leave();
  assert.equal(tab.items.size, 0);
});

test("nonsense in the storage is no identity, and is removed", () => {
  for (const text of ["{", "null", "[]", '{"session":1,"token":"t"}', '{"session":"s"}']) {
    const tab = new FakeStorage();
    tab.setItem(`realtime:${URL}`, text);
    const identity = keeper(tab);
    identity.take();
    assert.equal(identity.current, null, text);
    assert.equal(tab.items.size, 0, text);
  }
});

test("without storage the identity lives as long as the page", () => {
  const identity = keeper(null);
  identity.keep(IDENTITY);
  identity.leave();
  identity.take();
  assert.deepEqual(identity.current, IDENTITY);
});

test("a storage that refuses is survived", () => {
  const refusing = new FakeStorage();
  refusing.getItem = refusing.setItem = () => {
    throw new DOMException("refused", "SecurityError");
  };
  const identity = keeper(refusing);
  identity.keep(IDENTITY);
  identity.leave();
  identity.take();
  assert.deepEqual(identity.current, IDENTITY);
});
