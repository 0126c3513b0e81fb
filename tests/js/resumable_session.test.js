import assert from "node:assert/strict";
import { test } from "node:test";

import { ResumableSession } from "../../realtime/js/resumable_session.js";
import { FakeStorage } from "./browser.js";

const URL = "wss://example.com/ws/";
const NO_COMPANION = { save() {}, load() {}, forget() {} };
const SESSION = { session: "s1", token: "t1", since: 5 };

/** @param {FakeStorage | null} storage */
function sessionIn(storage, url = URL) {
  return new ResumableSession(url, /** @type {any} */ (storage), { ms: 0 }, NO_COMPANION);
}

/** A page with a session. @param {FakeStorage} tab */
function page(tab) {
  const session = sessionIn(tab);
  session.load();
  session.set(SESSION);
  return session;
}

test("the next page in the tab loads the session", () => {
  const tab = new FakeStorage();
  page(tab).save();
  const next = sessionIn(tab);
  next.load();
  assert.deepEqual(next.current, SESSION);
});

test("a duplicate of a living page finds no session", () => {
  const tab = new FakeStorage();
  page(tab).save();
  sessionIn(tab).load(); // the page that lives
  const duplicate = sessionIn(tab.copy());
  duplicate.load();
  assert.equal(duplicate.current, null);
});

test("a copy of the module on the same page takes another slot", async () => {
  const copy = await import(`../../realtime/js/resumable_session.js?${Date.now()}`);
  const tab = new FakeStorage();
  const [first, second] = [page(tab), new copy.ResumableSession(URL, tab, { ms: 0 }, NO_COMPANION)];
  second.load();
  second.set({ ...SESSION, session: "s2" });
  first.save();
  second.save();
  assert.equal(tab.items.size, 2);
});

test("the storage is empty while a page lives", () => {
  const tab = new FakeStorage();
  page(tab);
  assert.equal(tab.items.size, 0);
});

test("a page from the back-forward cache loads the session of the page after it", () => {
  const tab = new FakeStorage();
  const first = page(tab);
  first.save();
  const second = sessionIn(tab);
  second.load();
  second.set({ ...SESSION, session: "s2" });
  second.save();
  first.load();
  assert.equal(first.current?.session, "s2");
});

test("a page from the cache keeps its session if the page after it saved none", () => {
  const tab = new FakeStorage();
  const first = page(tab);
  first.save();
  sessionIn(tab).load(); // and crashed
  first.load();
  assert.deepEqual(first.current, SESSION);
});

test("each address has its own session", () => {
  const tab = new FakeStorage();
  page(tab).save();
  const other = sessionIn(tab, "wss://example.com/other/");
  other.load();
  assert.equal(other.current, null);
});

test("a cleared session is not saved", () => {
  const tab = new FakeStorage();
  const session = page(tab);
  session.clear();
  session.save();
  assert.equal(tab.items.size, 0);
});

test("an invalid stored value is removed", () => {
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
    const session = sessionIn(tab);
    session.load();
    assert.equal(session.current, null, text);
    assert.equal(tab.items.size, 0, text);
  }
});

test("without storage the session lives as long as the page", () => {
  const session = sessionIn(null);
  session.set(SESSION);
  session.save();
  session.load();
  assert.deepEqual(session.current, SESSION);
});

test("a refused storage causes no error", () => {
  const refusing = new FakeStorage();
  refusing.getItem = refusing.setItem = () => {
    throw new DOMException("refused", "SecurityError");
  };
  const session = sessionIn(refusing);
  session.set(SESSION);
  session.save();
  session.load();
  assert.deepEqual(session.current, SESSION);
});

test("frames of one origin in one tab have their own sessions", () => {
  const tab = new FakeStorage();
  for (const order of [
    ["page", "frame"],
    ["frame", "page"],
  ]) {
    const loaded = Object.fromEntries(order.map((name) => [name, keeperIn(name, tab)]));
    for (const name of order) {
      loaded[name]?.load();
      loaded[name]?.set({ ...SESSION, session: name });
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
    return sessionIn(tab);
  } finally {
    Reflect.deleteProperty(globalThis, "window");
  }
}

test("two clients of one page have their own sessions, also after a reload", () => {
  const tab = new FakeStorage();
  const load = () => {
    const clients = [sessionIn(tab), sessionIn(tab)];
    for (const client of clients) client.load();
    return clients;
  };
  const [one, two] = load();
  one?.set(SESSION);
  two?.set({ ...SESSION, session: "s2" });
  one?.save();
  two?.save();
  assert.deepEqual(
    load().map(({ current }) => current?.session),
    ["s1", "s2"],
  );
});

test("loading twice claims one key", () => {
  const tab = new FakeStorage();
  const client = page(tab);
  client.load();
  client.save();
  assert.deepEqual([...tab.items.keys()], [`realtime:${URL}`]);
});

test("a released key is free for the next client", () => {
  const tab = new FakeStorage();
  for (let time = 0; time < 3; time += 1) {
    const client = sessionIn(tab);
    client.load();
    client.set(SESSION);
    client.clear();
    client.releaseKey();
  }
  page(tab).save();
  assert.deepEqual([...tab.items.keys()], [`realtime:${URL}`]);
});
