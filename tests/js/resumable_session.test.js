import assert from "node:assert/strict";
import { test } from "node:test";

import { framePath } from "../../realtime/static/realtime/address.js";
import { ResumableSession } from "../../realtime/static/realtime/resumable_session.js";
import { FakeStorage } from "./browser.js";

const URL = "wss://example.com/ws/";
const IDENTITY = { session: "s1", token: "t1", since: 5 };

/** @param {FakeStorage | null} storage */
function keeper(storage, url = URL) {
  return new ResumableSession(url, /** @type {any} */ (storage));
}

/** A page that has a session. @param {FakeStorage} tab */
function page(tab) {
  const identity = keeper(tab);
  identity.load();
  identity.set(IDENTITY);
  return identity;
}

test("the next page in the tab takes it", () => {
  const tab = new FakeStorage();
  page(tab).save();
  const next = keeper(tab);
  next.load();
  assert.deepEqual(next.current, IDENTITY);
});

test("a duplicate of a living page finds nothing", () => {
  const tab = new FakeStorage();
  page(tab).save();
  keeper(tab).load(); // the page that lives
  const duplicate = keeper(tab.copy());
  duplicate.load();
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
  first.save();
  const second = keeper(tab);
  second.load();
  second.set({ ...IDENTITY, session: "s2" });
  second.save();
  first.load();
  assert.equal(first.current?.session, "s2");
});

test("a page out of the cache goes on with its own where the page after it left nothing", () => {
  const tab = new FakeStorage();
  const first = page(tab);
  first.save();
  keeper(tab).load(); // and crashed
  first.load();
  assert.deepEqual(first.current, IDENTITY);
});

test("each address has its own", () => {
  const tab = new FakeStorage();
  page(tab).save();
  const other = keeper(tab, "wss://example.com/other/");
  other.load();
  assert.equal(other.current, null);
});

test("what is forgotten is not left behind", () => {
  const tab = new FakeStorage();
  const identity = page(tab);
  identity.clear();
  identity.save();
  assert.equal(tab.items.size, 0);
});

test("nonsense in the storage is no identity, and is removed", () => {
  const unreadable = [
    { session: 1, token: "t" },
    { session: "s" },
    { session: "s", token: "" },
    { session: "s".repeat(65), token: "t" },
    { session: "s", token: "t", turn: -1 },
  ];
  for (const text of ["{", "null", "[]", ...unreadable.map((value) => JSON.stringify(value))]) {
    const tab = new FakeStorage();
    tab.setItem(`realtime:${URL}`, text);
    const identity = keeper(tab);
    identity.load();
    assert.equal(identity.current, null, text);
    assert.equal(tab.items.size, 0, text);
  }
});

test("without storage the identity lives as long as the page", () => {
  const identity = keeper(null);
  identity.set(IDENTITY);
  identity.save();
  identity.load();
  assert.deepEqual(identity.current, IDENTITY);
});

test("a storage that refuses is survived", () => {
  const refusing = new FakeStorage();
  refusing.getItem = refusing.setItem = () => {
    throw new DOMException("refused", "SecurityError");
  };
  const identity = keeper(refusing);
  identity.set(IDENTITY);
  identity.save();
  identity.load();
  assert.deepEqual(identity.current, IDENTITY);
});

test("a frame of the same origin, in the same tab, has its own: neither takes the other's", () => {
  const tab = new FakeStorage();
  for (const order of [
    ["page", "frame"],
    ["frame", "page"],
  ]) {
    const loaded = Object.fromEntries(order.map((name) => [name, keeperIn(name, tab)]));
    for (const name of order) {
      loaded[name]?.load();
      loaded[name]?.set({ ...IDENTITY, session: name });
    }
    for (const name of [...order].reverse()) loaded[name]?.save();
    for (const name of order) {
      const next = keeperIn(name, tab);
      next.load();
      assert.equal(next.current?.session, name);
      next.save();
    }
  }
});

/**
 * @param {string | undefined} name
 * @param {FakeStorage} tab
 */
function keeperIn(name, tab) {
  /** @type {any[]} */
  const frames = [];
  const top = /** @type {any} */ (frames); // a window is the list of its frames
  top.parent = top;
  frames.push({ parent: top }, { parent: top });
  Object.assign(globalThis, { window: name === "page" ? top : frames[1] });
  try {
    return keeper(tab);
  } finally {
    Reflect.deleteProperty(globalThis, "window");
  }
}

test("a frame in a frame is known by its way from the top", () => {
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

test("two clients of one page have their own, also over a reload", () => {
  const tab = new FakeStorage();
  const load = () => {
    const clients = [keeper(tab), keeper(tab)];
    for (const client of clients) client.load();
    return clients;
  };
  const [one, two] = load();
  one?.set(IDENTITY);
  two?.set({ ...IDENTITY, session: "s2" });
  one?.save();
  two?.save();
  assert.deepEqual(
    load().map(({ current }) => current?.session),
    ["s1", "s2"],
  );
});

test("to take twice claims no second place", () => {
  const tab = new FakeStorage();
  const client = page(tab);
  client.load();
  client.save();
  assert.deepEqual([...tab.items.keys()], [`realtime:${URL}`]);
});

test("one that has let go makes room for the next", () => {
  const tab = new FakeStorage();
  for (let time = 0; time < 3; time += 1) {
    const client = keeper(tab);
    client.load();
    client.set(IDENTITY);
    client.clear();
    client.releaseKey();
  }
  page(tab).save();
  assert.deepEqual([...tab.items.keys()], [`realtime:${URL}`]);
});
