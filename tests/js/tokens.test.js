/** A page whose login is a token. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { tick } from "./message_pages.js";
import { advanceToNextAttempt, goodbye, page } from "./pages.js";

/** A page whose function returns t1, t2 …; `calls` counts its calls. */
async function connected() {
  const calls = { count: 0 };
  const auth = async () => {
    calls.count += 1;
    return `token ${calls.count}`;
  };
  const { browser, client } = page({ auth });
  client.connect();
  await tick();
  browser.socket.welcome();
  return { browser, client, calls };
}

test("the token is in the hello, and in nothing that a page shows", async () => {
  const frames = /** @type {any[]} */ ([]);
  const { browser, client } = page({ auth: "secret" });
  client.addEventListener("frame", ({ detail }) => frames.push(detail));
  client.connect();
  await tick();
  browser.socket.welcome();
  assert.equal(browser.socket.sent[0]?.auth, "secret");
  assert.equal(frames[0].frame.auth, "…");
  assert.doesNotMatch(JSON.stringify([frames, client.stats()]), /secret/);
  assert.doesNotMatch(browser.socket.url, /secret/);
});

test("a token is kept for the next connection", async () => {
  const { browser, client, calls } = await connected();
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.welcome();
  assert.equal(browser.socket.sent[0]?.auth, "token 1");
  assert.equal(calls.count, 1);
});

test("a new token is brought on the connection that asks for it", async () => {
  const { browser, client } = await connected();
  browser.socket.receive({ type: "auth_expiring", in: 30_000 });
  browser.socket.receive({ type: "auth_expiring", in: 30_000 });
  await tick();
  const brought = browser.socket.sentOfType("auth").map((frame) => frame.auth);
  assert.deepEqual(brought, ["token 2", "token 2"]);
  assert.equal(browser.sockets.length, 1);
  assert.equal(client.state, "connected");
});

for (const code of [4008, 4501]) {
  test(`after ${code} a new token is tried, once`, async () => {
    const { browser, client } = await connected();
    browser.socket.receive(goodbye(code));
    advanceToNextAttempt(browser, client);
    await tick();
    browser.socket.open();
    assert.equal(browser.socket.sent[0]?.auth, "token 2");
    browser.socket.receive(goodbye(code));
    await tick();
    assert.equal(client.state, "error");
    assert.equal(client.stats().nextAttemptAt, null);
  });
}

test("a function that fails is called again with backoff, and its words are not shown", async () => {
  const { browser, client } = page({ auth: () => Promise.reject(new Error("secret")) });
  client.connect();
  await tick();
  assert.equal(client.state, "connecting");
  assert.equal(browser.sockets.length, 0);
  assert.equal(client.stats().lastError?.reason, "the page has no token");
  assert.notEqual(client.stats().nextAttemptAt, null);
});

test("a token that comes after the end is not used", async () => {
  /** @type {(token: string) => void} */
  let give = () => {};
  const { browser, client } = page({ auth: () => new Promise((resolve) => (give = resolve)) });
  client.connect();
  client.disconnect();
  give("late");
  await tick();
  assert.equal(browser.sockets.length, 0);
  assert.equal(client.state, "disconnected");
});

test("on a slow line the function has five round trips", async () => {
  let calls = 0;
  const auth = () => (++calls > 1 ? new Promise(() => {}) : "first");
  const { browser, client } = page({ auth: /** @type {any} */ (auth) });
  client.connect();
  await tick();
  browser.socket.open();
  browser.advance(6000);
  browser.socket.welcome();
  browser.socket.receive(goodbye(4008));
  advanceToNextAttempt(browser, client);
  browser.advance(29_998);
  await tick();
  assert.deepEqual([calls, client.stats().lastError?.code], [2, 4008]);
  browser.advance(2);
  await tick();
  assert.equal(client.stats().lastError?.reason, "the page has no token");
});

test("a function that does not answer is called again, and its late token replaces no newer one", async () => {
  const answers = /** @type {((token: string) => void)[]} */ ([]);
  const { browser, client } = page({ auth: () => new Promise((resolve) => answers.push(resolve)) });
  client.connect();
  await tick();
  browser.advance(15_000);
  await tick();
  assert.equal(client.stats().lastError?.reason, "the page has no token");
  advanceToNextAttempt(browser, client);
  assert.equal(answers.length, 2);
  answers[1]?.("newer");
  answers[0]?.("older");
  await tick();
  browser.socket.welcome();
  assert.equal(browser.socket.sent[0]?.auth, "newer");
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.welcome();
  assert.equal(browser.socket.sent[0]?.auth, "newer");
});

for (const [
  end,
  by,
] of /** @type {[string, (page: Awaited<ReturnType<typeof connected>>) => void][]} */ ([
  ["a disconnect", ({ client }) => client.disconnect()],
  ["a logout", ({ browser }) => browser.socket.receive(goodbye(4503))],
  ["a disconnection", ({ browser }) => browser.socket.receive(goodbye(4500))],
])) {
  test(`after ${end} the next visitor has a token of their own`, async () => {
    const visitor = await connected();
    by(visitor);
    visitor.client.connect();
    await tick();
    visitor.browser.socket.open();
    assert.equal(visitor.browser.socket.sent[0]?.auth, "token 2");
  });
}

test("a token that is on its way at a disconnect is not the next visitor's", async () => {
  const answers = /** @type {((token: string) => void)[]} */ ([]);
  const { browser, client } = page({ auth: () => new Promise((resolve) => answers.push(resolve)) });
  client.connect();
  client.disconnect();
  client.connect();
  await tick();
  answers[0]?.("of the former visitor");
  await tick();
  assert.equal(browser.sockets.length, 0);
  answers[1]?.("of this one");
  await tick();
  browser.socket.open();
  assert.equal(browser.socket.sent[0]?.auth, "of this one");
});

test("a call that is forgotten does not end the patience with the next", async () => {
  const { browser, client } = page({ auth: () => new Promise(() => {}) });
  client.connect();
  client.disconnect();
  client.connect();
  browser.advance(15_000);
  await tick();
  assert.equal(client.stats().lastError?.reason, "the page has no token");
});

test("a page whose tokens have expired twice tries again when it gets attention", async () => {
  const { browser, client, calls } = await connected();
  for (let refusals = 0; refusals < 2; refusals += 1) {
    browser.socket.receive(goodbye(4008));
    advanceToNextAttempt(browser, client);
    await tick();
    browser.socket.open();
  }
  assert.equal(client.state, "error");
  browser.window.dispatchEvent(new Event("focus"));
  await tick();
  browser.socket.welcome();
  assert.equal(client.state, "connected");
  assert.equal(calls.count, 3);
});
