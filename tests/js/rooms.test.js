/** Rooms: who is in them, how far they have got, and what they are told. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Browser, FakeStorage, recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage, page } from "./pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {import("../../realtime/static/realtime/client.js").RealtimeClient} RealtimeClient */

/**
 * The answer to the newest request to be in a room, or to leave it.
 * @param {FakeSocket} socket
 * @param {"joined" | "left" | "error"} type
 * @param {object} [fields]
 */
function answers(socket, type, fields = {}) {
  const requests = socket.sent.filter(({ type }) => type === "join" || type === "leave");
  const { id, room } = requests.at(-1) ?? {};
  socket.receive({ type, id, room, ...fields });
}

/**
 * @param {FakeSocket} socket
 * @param {number[]} offsets
 */
function publishes(socket, ...offsets) {
  for (const offset of offsets) {
    socket.receive({ type: "publication", room: "news", offset, time: 7, data: `n${offset}` });
  }
}

/** A page in the room news, whose log ends at 5. */
function inNews() {
  const { browser, client } = connectedPage();
  const told = {
    messages: recordEvents(client, "message"),
    joined: recordEvents(client, "joined"),
  };
  const { socket } = browser;
  client.join("news");
  answers(socket, "joined", { epoch: "e", offset: 5 });
  return { browser, client, socket, ...told, resyncs: recordEvents(client, "resync") };
}

/** @param {{browser: Browser, client: RealtimeClient}} page */
function reconnects({ browser, client }) {
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.open();
  return browser.socket;
}

/** @param {FakeSocket} socket */
function asked(socket) {
  return socket.sent
    .filter(({ type }) => type === "join" || type === "leave")
    .map(({ type, room }) => `${type} ${room}`);
}

describe("joining", () => {
  test("a room joined before there is a connection is in its hello, from now on", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.join("news");
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: null });
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(joined, [{ room: "news", offset: 5, recovered: null }]);
    assert.deepEqual(asked(browser.socket), []);
  });

  test("while connected it is asked for, once", () => {
    const { browser, client } = connectedPage();
    client.join("news");
    client.join("news");
    const [join, ...others] = browser.socket.sentOfType("join");
    assert.deepEqual(join, { type: "join", room: "news", position: null, id: 1 });
    assert.deepEqual(others, []);
  });

  test("between hello and welcome it is asked for after the welcome", () => {
    const { browser, client } = page();
    client.connect();
    browser.socket.open();
    client.join("news");
    assert.deepEqual(asked(browser.socket), []);
    browser.socket.welcome();
    assert.deepEqual(asked(browser.socket), ["join news"]);
  });

  test("whoever disconnects at the welcome hears of no rooms", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.addEventListener("connection_established", () => client.disconnect());
    client.join("news");
    client.connect();
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(joined, []);
  });

  test("left between hello and welcome it is left after the welcome", () => {
    const { browser, client } = page();
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.connect();
    browser.socket.open();
    client.leave("news");
    browser.socket.welcome({ rooms: { news: { epoch: "e", offset: 5 } } });
    assert.deepEqual(asked(browser.socket), ["leave news"]);
    assert.deepEqual(joined, []);
  });

  test("publications come as messages", () => {
    const { socket, messages } = inNews();
    publishes(socket, 6, 7);
    assert.deepEqual(messages, [
      { room: "news", data: "n6", offset: 6, time: 7 },
      { room: "news", data: "n7", offset: 7, time: 7 },
    ]);
  });

  test("after leaving nothing comes, and the next hello does not name it", () => {
    const page = inNews();
    page.client.leave("news");
    page.client.leave("news");
    publishes(page.socket, 6);
    assert.deepEqual(asked(page.socket), ["join news", "leave news"]);
    assert.deepEqual(page.messages, []);
    assert.deepEqual(reconnects(page).sent[0]?.rooms, {});
  });

  test("left and joined again before there was an answer: from the new answer on", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    const messages = recordEvents(client, "message");
    const joined = recordEvents(client, "joined");
    client.join("news");
    client.leave("news");
    client.join("news");
    answers(socket, "joined", { epoch: "e", offset: 5 });
    publishes(socket, 6);
    answers(socket, "left");
    answers(socket, "joined", { epoch: "e", offset: 7 });
    publishes(socket, 8);
    assert.deepEqual(asked(socket), ["join news", "leave news", "join news"]);
    assert.deepEqual(joined, [{ room: "news", offset: 7, recovered: null }]);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [8],
    );
  });

  test("requests go one at a time, in their order", () => {
    const { browser, client } = connectedPage();
    for (const room of ["a", "b", "c"]) client.join(room);
    assert.deepEqual(asked(browser.socket), ["join a"]);
    answers(browser.socket, "joined", { epoch: "e", offset: 0 });
    answers(browser.socket, "joined", { epoch: "e", offset: 0 });
    assert.deepEqual(asked(browser.socket), ["join a", "join b", "join c"]);
  });

  test("a name that every object has is a name like any other", () => {
    const { browser, client } = page();
    client.join("__proto__");
    client.connect();
    browser.socket.open();
    assert.deepEqual(Object.keys(browser.socket.sent[0]?.rooms), ["__proto__"]);
  });
});

describe("positions", () => {
  test("move with publications alone; the hello says them", () => {
    const page = inNews();
    publishes(page.socket, 6, 7);
    const socket = reconnects(page);
    assert.deepEqual(socket.sent[0]?.rooms, { news: { epoch: "e", offset: 7 } });
    socket.welcome({ rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    publishes(socket, 8);
    assert.deepEqual(reconnects(page).sent[0]?.rooms, { news: { epoch: "e", offset: 8 } });
    assert.deepEqual(page.resyncs, []);
    assert.deepEqual(page.joined.at(-1), { room: "news", offset: 9, recovered: true });
  });

  test("what was lost before its publications came is asked for again", () => {
    const page = inNews();
    const socket = reconnects(page);
    socket.welcome({ rooms: { news: { epoch: "e", offset: 9, recovered: true } } });
    assert.deepEqual(reconnects(page).sent[0]?.rooms, { news: { epoch: "e", offset: 5 } });
  });

  test("what came already is no message again", () => {
    const { socket, messages } = inNews();
    publishes(socket, 4, 5, 6, 6, 5, 7);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [6, 7],
    );
  });

  for (const reason of ["expired", "epoch_changed", "ahead"]) {
    test(`not recovered, ${reason}: the application is told, the log's end is the position`, () => {
      const page = inNews();
      const socket = reconnects(page);
      const entry = { epoch: "f", offset: 2, recovered: false, reason };
      socket.welcome({ rooms: { news: entry } });
      assert.deepEqual(page.resyncs, [{ room: "news", reason }]);
      publishes(socket, 3);
      assert.deepEqual(page.messages.at(-1)?.offset, 3);
      assert.deepEqual(reconnects(page).sent[0]?.rooms, { news: { epoch: "f", offset: 3 } });
    });
  }

  test("the log is lost while we are connected: told, and on from its end", () => {
    const { socket, messages, resyncs } = inNews();
    const reason = "epoch_changed";
    socket.receive({
      type: "joined",
      room: "news",
      epoch: "f",
      offset: 1,
      recovered: false,
      reason,
    });
    publishes(socket, 2);
    assert.deepEqual(resyncs, [{ room: "news", reason }]);
    assert.deepEqual(messages, [{ room: "news", data: "n2", offset: 2, time: 7 }]);
  });

  test("a gap that cannot be: joined again from the position, once", () => {
    const { socket, messages } = inNews();
    publishes(socket, 6, 8, 9);
    const joins = socket.sentOfType("join");
    assert.deepEqual(joins.at(-1)?.position, { epoch: "e", offset: 6 });
    assert.equal(joins.length, 2);
    answers(socket, "joined", { epoch: "e", offset: 9, recovered: true });
    publishes(socket, 7, 8, 9);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [6, 7, 8, 9],
    );
    assert.equal(socket.sentOfType("join").length, 2);
  });

  test("a listener finds the position moved: what it does cannot take it back", () => {
    const page = inNews();
    page.client.addEventListener("message", () => page.client.disconnect(), { once: true });
    publishes(page.socket, 6);
    page.client.connect();
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
  });

  test("a frozen page that thaws goes on where it was, and so does one out of the cache", () => {
    const page = inNews();
    publishes(page.socket, 6);
    const expected = { news: { epoch: "e", offset: 6 } };
    page.browser.document.dispatchEvent(new Event("freeze"));
    page.browser.document.dispatchEvent(new Event("resume"));
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, expected);
    page.browser.hidePage();
    page.browser.restorePage();
    page.browser.socket.open();
    assert.deepEqual(page.browser.socket.sent[0]?.rooms, expected);
  });

  test("the next page has loaded its state: it starts from now on", () => {
    const tab = new FakeStorage();
    const first = connectedPage({}, new Browser(tab));
    first.client.join("news");
    answers(first.browser.socket, "joined", { epoch: "e", offset: 5 });
    first.browser.hidePage();
    const second = page({}, new Browser(tab));
    second.client.join("news");
    second.client.connect();
    second.browser.socket.open();
    assert.deepEqual(second.browser.socket.sent[0]?.rooms, { news: null });
  });
});

describe("the user's own room", () => {
  test("comes unasked, and is gone on with", () => {
    const { browser, client } = connectedPage({}, undefined, {
      rooms: { "user:17": { epoch: "a", offset: 7 } },
    });
    const messages = recordEvents(client, "message");
    const data = { text: "shipped" };
    browser.socket.receive({ type: "publication", room: "user:17", offset: 8, time: 1, data });
    assert.deepEqual(messages, [{ room: "user:17", data, offset: 8, time: 1 }]);
    const socket = reconnects({ browser, client });
    assert.deepEqual(socket.sent[0]?.rooms, { "user:17": { epoch: "a", offset: 8 } });
  });

  test("of a user who is another by now it is refused, and given up", () => {
    const { browser, client } = connectedPage({}, undefined, {
      rooms: { "user:17": { epoch: "a", offset: 7 } },
    });
    const left = recordEvents(client, "left");
    const socket = reconnects({ browser, client });
    socket.welcome({ user: "18", rooms: { "user:18": { epoch: "b", offset: 0 } } });
    answers(socket, "error", { code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "user:17", code: "forbidden" }]);
    assert.deepEqual(Object.keys(reconnects({ browser, client }).sent[0]?.rooms), ["user:18"]);
  });
});

describe("refusals", () => {
  test("for good: said, and forgotten", () => {
    const { browser, client } = connectedPage();
    const left = recordEvents(client, "left");
    client.join("secret");
    answers(browser.socket, "error", { code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "secret", code: "forbidden" }]);
    assert.deepEqual(reconnects({ browser, client }).sent[0]?.rooms, {});
  });

  test("what the welcome leaves out is asked for by itself, and the answer counts", () => {
    const page = inNews();
    const left = recordEvents(page.client, "left");
    const socket = reconnects(page);
    socket.welcome();
    socket.receive({ type: "error", room: "news", code: "forbidden", detail: "" });
    assert.deepEqual(socket.sentOfType("join"), [
      { type: "join", room: "news", position: { epoch: "e", offset: 5 }, id: 2 },
    ]);
    assert.deepEqual(left, []);
    answers(socket, "error", { code: "forbidden", detail: "" });
    assert.deepEqual(left, [{ room: "news", code: "forbidden" }]);
  });

  for (const code of ["unavailable", "rate_limited"]) {
    test(`${code}: again after a pause that grows`, () => {
      const { browser, client } = connectedPage();
      const { socket } = browser;
      const left = recordEvents(client, "left");
      client.join("news");
      for (const [round, pause] of [500, 1000, 2000, 4000, 5000, 5000].entries()) {
        answers(socket, "error", { code, detail: "" });
        browser.advance(pause - 1);
        assert.equal(socket.sentOfType("join").length, round + 1);
        browser.advance(1);
        assert.equal(socket.sentOfType("join").length, round + 2);
        socket.receive({ type: "pong", sequence: 1 });
      }
      answers(socket, "joined", { epoch: "e", offset: 0 });
      assert.deepEqual(left, []);
    });
  }

  test("a room that is not to be had now does not keep others waiting for ever", () => {
    const { browser, client } = connectedPage();
    client.join("a");
    client.join("b");
    answers(browser.socket, "error", { code: "unavailable", detail: "" });
    browser.advance(500);
    assert.deepEqual(asked(browser.socket), ["join a", "join b"]);
    answers(browser.socket, "joined", { epoch: "e", offset: 0 });
    assert.deepEqual(asked(browser.socket), ["join a", "join b", "join a"]);
  });

  test("a right that ends", () => {
    const page = inNews();
    const left = recordEvents(page.client, "left");
    page.socket.receive({ type: "left", room: "news" });
    publishes(page.socket, 6);
    assert.deepEqual(left, [{ room: "news", code: null }]);
    assert.deepEqual(page.messages, []);
    assert.deepEqual(reconnects(page).sent[0]?.rooms, {});
    page.client.join("news");
    assert.deepEqual(page.browser.socket.sentOfType("join"), []);
  });

  test("of a room that was left nothing more is said", () => {
    const { browser, client } = connectedPage();
    const left = recordEvents(client, "left");
    client.join("news");
    client.leave("news");
    answers(browser.socket, "error", { code: "forbidden", detail: "" });
    answers(browser.socket, "error", { code: "not_joined", detail: "" });
    assert.deepEqual(left, [{ room: "news", code: "left" }]);
  });

  test("a disconnected client keeps its rooms for the next connection", () => {
    const { browser, client, socket } = inNews();
    publishes(socket, 6);
    client.disconnect();
    client.connect();
    browser.socket.open();
    assert.deepEqual(browser.socket.sent[0]?.rooms, { news: { epoch: "e", offset: 6 } });
  });

  test("a pause is not waited out by another connection", () => {
    const page = connectedPage();
    page.client.join("news");
    answers(page.browser.socket, "error", { code: "unavailable", detail: "" });
    const socket = reconnects(page);
    socket.welcome();
    assert.deepEqual(asked(socket), ["join news"]);
  });
});
