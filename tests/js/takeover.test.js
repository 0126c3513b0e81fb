/** Sessions that another connection took over, and final codes for a resume. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Browser, FakeStorage } from "./browser.js";
import { advanceToNextAttempt, connectedPage, goodbye, pageInTab } from "./pages.js";

/** @typedef {import("./browser.js").Frame} Frame */

/** The turn in the newest hello. @param {Browser} browser */
function turn(browser) {
  return browser.socket.sent[0]?.resume?.turn;
}

test("each attempt to resume has a higher turn, also after a timeout", () => {
  const { browser, client } = connectedPage();
  browser.socket.drop();
  const turns = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    advanceToNextAttempt(browser, client);
    browser.socket.open();
    turns.push(turn(browser));
    browser.advance(40_000 * attempt); // nothing answers
  }
  assert.deepEqual(turns, [1, 2, 3]);
});

test("the next page of the tab continues the turns", () => {
  const tab = new FakeStorage();
  const first = pageInTab(tab);
  first.browser.socket.drop();
  advanceToNextAttempt(first.browser, first.client);
  first.browser.socket.welcome({ resumed: true });
  assert.equal(turn(first.browser), 1);
  first.browser.hidePage();
  const second = pageInTab(tab);
  assert.equal(turn(second.browser), 2);
  second.browser.hidePage();
  first.browser.restorePage(); // its turn in memory is 1
  first.browser.socket.open();
  assert.equal(turn(first.browser), 3);
});

test("a new session starts its turns again", () => {
  const { browser, client } = connectedPage();
  for (const session of ["s1", "s2"]) {
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    browser.socket.welcome({ session });
  }
  assert.equal(turn(browser), 2);
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.open();
  assert.equal(turn(browser), 1);
});

for (const when of ["of the connection", "of the attempt"]) {
  test(`4506 ${when}: the client resumes once; a second one within the window is final`, () => {
    const { browser, client } = connectedPage();
    if (when === "of the attempt") {
      browser.socket.drop();
      advanceToNextAttempt(browser, client);
      browser.socket.open();
    }
    const before = turn(browser) ?? 0;
    browser.socket.receive(goodbye(4506));
    assert.equal(client.state, "connecting");
    advanceToNextAttempt(browser, client);
    browser.socket.welcome({ resumed: true });
    assert.ok(turn(browser) > before);
    browser.advanceWithPings(118_000);
    browser.socket.receive(goodbye(4506));
    assert.equal(client.state, "error");
    assert.equal(client.stats().reason, "reason 4506");
    const { length } = browser.sockets;
    browser.advance(600_000);
    assert.equal(browser.sockets.length, length);
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent[0]?.resume, undefined);
  });
}

test("4506 after the resume window: the client resumes again", () => {
  const { browser, client } = connectedPage({}, undefined, { resume_window: 5000 });
  for (let time = 0; time < 3; time += 1) {
    browser.socket.receive(goodbye(4506));
    assert.equal(client.state, "connecting");
    advanceToNextAttempt(browser, client);
    browser.socket.welcome({ resumed: true, resume_window: 5000 });
    browser.advance(5001);
  }
});

test("4506 after disconnect() and connect() counts as the first", () => {
  const { browser, client } = connectedPage();
  for (const session of ["s2", "s3"]) {
    browser.socket.receive(goodbye(4506));
    assert.equal(client.state, "connecting");
    client.disconnect();
    client.connect();
    browser.socket.welcome({ session });
  }
});

test("the window includes the sleep of the device", () => {
  const { browser, client } = connectedPage();
  browser.socket.receive(goodbye(4506));
  advanceToNextAttempt(browser, client);
  browser.socket.welcome({ resumed: true });
  browser.sleep(121_000);
  browser.socket.receive(goodbye(4506));
  assert.equal(client.state, "connecting");
});

test("4506 of an old connection is ignored", () => {
  const { browser, client } = connectedPage();
  const stale = browser.socket;
  stale.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.welcome({ resumed: true });
  stale.receive(goodbye(4506));
  browser.socket.receive(goodbye(4506));
  assert.equal(client.state, "connecting"); // the first 4506 that counts
});

test("4506 without auto-reconnect is final at once", () => {
  const { browser, client } = connectedPage({ autoReconnect: false });
  browser.socket.receive(goodbye(4506));
  assert.equal(client.state, "error");
  client.connect();
  browser.socket.open();
  assert.equal(browser.socket.sent[0]?.resume, undefined);
});

test("4506 without a session is final at once", () => {
  const { browser, client } = connectedPage();
  browser.socket.receive(goodbye(4501));
  client.connect();
  browser.socket.open();
  browser.socket.receive(goodbye(4506));
  assert.equal(client.state, "error");
});

for (const code of [4500, 4504, 4503]) {
  test(`${code} for a resume is final; connect() asks for a new session`, () => {
    const { browser, client } = connectedPage();
    browser.socket.drop();
    advanceToNextAttempt(browser, client);
    browser.socket.open();
    assert.ok(browser.socket.sent[0]?.resume);
    browser.socket.receive(goodbye(code));
    assert.equal(client.state, code === 4504 ? "error" : "disconnected");
    assert.equal(client.stats().reason, `reason ${code}`);
    browser.advance(600_000);
    assert.equal(browser.sockets.length, 2);
    client.connect();
    browser.socket.open();
    assert.equal(browser.socket.sent[0]?.resume, undefined);
  });
}

test("the next page asks for a new session, too", () => {
  const tab = new FakeStorage();
  const { browser, client } = connectedPage({}, new Browser(tab));
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.open();
  browser.socket.receive(goodbye(4500));
  browser.hidePage();
  assert.equal(pageInTab(tab).browser.socket.sent[0]?.resume, undefined);
});
