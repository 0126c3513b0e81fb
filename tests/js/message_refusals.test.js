/** Messages that the server or the client refuses. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  acknowledge,
  answer,
  pageThatSent,
  refuse,
  sentData,
  sentFrames,
  sentItems,
  tick,
} from "./message_pages.js";
import { connectedPage, outcomes, page } from "./pages.js";

describe("refusals", () => {
  for (const code of ["forbidden", "not_joined", "invalid_message"]) {
    test(`${code} is final, and the others are sent`, async () => {
      const { browser, client, sent } = await pageThatSent(1, 2, 3);
      sent.push(client.send("chat", 4));
      await assert.rejects(
        async () => {
          answer(browser.socket, {}, code, {});
          await sent[1];
        },
        { code, message: `refused: ${code}` },
      );
      assert.deepEqual(await outcomes(sent), ["done", code, "done", ""]);
      assert.deepEqual(sentFrames(browser.socket), [[1, 2, 3], [4]]);
    });
  }

  test("an error about the frame is final for all of its messages", async () => {
    const { browser, sent } = await pageThatSent(1, 2);
    refuse(browser.socket, "forbidden");
    assert.deepEqual(await outcomes(sent), ["forbidden", "forbidden"]);
  });

  for (const named of [true, false]) {
    test(`a frame that the server cannot read is taken apart (named: ${named})`, async () => {
      const { browser, sent } = await pageThatSent(1, 2, 3);
      if (named) refuse(browser.socket, "invalid_message");
      else browser.socket.receive({ type: "error", code: "invalid_message", detail: "" });
      acknowledge(browser.socket);
      refuse(browser.socket, "invalid_message");
      acknowledge(browser.socket);
      assert.deepEqual(sentFrames(browser.socket), [[1, 2, 3], [1], [2], [3]]);
      assert.deepEqual(await outcomes(sent), ["done", "invalid_message", "done"]);
    });
  }

  test("an error without id and room answers the only frame", async () => {
    const { browser, client, sent } = await pageThatSent(1);
    sent.push(client.send("chat", 2));
    browser.socket.receive({ type: "error", code: "invalid_json", detail: "expected …" });
    assert.deepEqual(await outcomes(sent), ["invalid_json", ""]);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });

  test("an error without id and room answers none of several frames", async () => {
    const { browser, client } = connectedPage();
    const sent = ["a", "b"].map((room) => client.send(room, 1));
    await tick();
    browser.socket.receive({ type: "error", code: "invalid_json", detail: "expected …" });
    assert.deepEqual(await outcomes(sent), ["", ""]);
  });

  test("it makes the client send them again, one by one, until it answers the only one", async () => {
    const { browser, client } = connectedPage();
    Object.defineProperty(browser, "random", { get: () => 0.5 + Math.random() / 1e9 });
    const { socket } = browser;
    const unreadable = { type: "error", code: "invalid_json", detail: "expected …" };
    client.join("c");
    const sent = ["a", "b", "c"].map((room) => client.send(room, room));
    await tick();
    socket.receive(unreadable);
    const [join, a, b, again] = socket.sent.slice(1);
    assert.deepEqual([join.room, a.room, b.room, again.room], ["c", "a", "b", "c"]);
    socket.receive({ type: "acks", id: a.id, items: [{}] }); // too late: the next frame repeats it
    socket.receive({ type: "joined", id: again.id, room: "c", epoch: "e", offset: 0 });
    acknowledge(socket);
    socket.receive(unreadable);
    acknowledge(socket);
    assert.deepEqual(sentData(socket), ["a", "b", "a", "b", "c"]);
    assert.equal(new Set(sentItems(socket).map(({ key }) => key)).size, 3);
    assert.deepEqual(await outcomes(sent), ["done", "invalid_json", "done"]);
  });

  for (const code of ["unavailable", "rate_limited"]) {
    test(`${code}: the same messages are sent again after a pause, before later ones`, async () => {
      const { browser, client } = connectedPage();
      Object.defineProperty(browser, "random", { get: () => 0.5 + Math.random() / 1e9 });
      const { socket } = browser;
      const sent = [1, 2, 3].map((data) => client.send("chat", data));
      await tick();
      answer(socket, {}, code, code);
      sent.push(client.send("chat", 4));
      await tick();
      browser.advance(499);
      assert.deepEqual(sentFrames(socket), [[1, 2, 3]]);
      browser.advance(1);
      refuse(socket, code);
      browser.advance(1000);
      assert.deepEqual(sentFrames(socket), [
        [1, 2, 3],
        [2, 3, 4],
        [2, 3, 4],
      ]);
      assert.equal(new Set(sentItems(socket).map(({ key }) => key)).size, 4);
      acknowledge(socket);
      assert.deepEqual(await outcomes(sent), ["done", "done", "done", "done"]);
    });
  }

  test("a pause of one room is none of others", async () => {
    const { browser, client } = connectedPage();
    void client.send("a", 1);
    await tick();
    refuse(browser.socket, "unavailable");
    void client.send("b", 2);
    await tick();
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });

  test("after a success the pause is short again", async () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    for (const data of [1, 2]) {
      void client.send("chat", data);
      await tick();
      refuse(socket, "unavailable");
      browser.advance(500);
      acknowledge(socket);
    }
    assert.deepEqual(sentData(socket), [1, 1, 2, 2]);
  });

  test("data that is no JSON or too long is rejected at once", async () => {
    const { browser, client } = connectedPage({}, undefined, { max_publication: 10 });
    /** @type {any} */
    const circle = {};
    circle.self = circle;
    const bad = [undefined, () => {}, Symbol("s"), 1n, circle, "x".repeat(9), "…".repeat(3)];
    const sent = bad.map((data) => client.send("chat", data));
    assert.deepEqual(
      await outcomes(sent),
      bad.map(() => "invalid_message"),
    );
    assert.deepEqual(sentData(browser.socket), []);
    void client.send("chat", "x".repeat(8));
    await tick();
    assert.equal(sentData(browser.socket).length, 1);
  });

  test("a lone surrogate is rejected at once, and only that", async () => {
    const { browser, client } = connectedPage();
    const whole = "👍";
    const halves = [whole.slice(0, 1), `x${whole.slice(1)}`, [{ "\\\ud83d": 1 }], "\udc4d\ud83d"];
    assert.deepEqual(
      await outcomes(halves.map((data) => client.send("chat", data))),
      halves.map(() => "invalid_message"),
    );
    assert.deepEqual(sentData(browser.socket), []);
    void client.send("chat", [whole, "\\ud83d", "\\\\udc4d", "ud83d"]);
    await tick();
    assert.equal(sentData(browser.socket).length, 1);
  });

  test("before the first welcome the limit is 64 KB", async () => {
    const { client } = page();
    const sent = [65_534, 65_535].map((length) => client.send("chat", "x".repeat(length)));
    assert.deepEqual(await outcomes(sent), ["", "invalid_message"]);
  });

  test("what the server does not read is rejected at once", async () => {
    const { browser, client } = connectedPage();
    const nested = (/** @type {number} */ levels) =>
      JSON.parse("[".repeat(levels) + "]".repeat(levels));
    const bad = [2 ** 53 + 2, { a: [-(2 ** 60)] }, nested(30), nested(9000)];
    assert.deepEqual(
      await outcomes(bad.map((data) => client.send("chat", data))),
      bad.map(() => "invalid_message"),
    );
    const good = [2 ** 53, -(2 ** 53), 1e21, 1e300, 0.1, nested(29), "[".repeat(99), ['"[', "\\"]];
    for (const data of good) void client.send("chat", data);
    await tick();
    assert.deepEqual(sentData(browser.socket), good);
  });

  test("null is data", async () => {
    const { browser, client } = connectedPage();
    void client.send("chat", null);
    await tick();
    assert.deepEqual(sentData(browser.socket), [null]);
  });

  test("the 201st waiting message is rejected at once", async () => {
    const { browser, client } = page();
    const sent = Array.from({ length: 201 }, (_, data) => client.send("chat", data));
    const found = await outcomes(sent);
    assert.deepEqual(new Set(found.slice(0, 200)), new Set([""]));
    assert.equal(found[200], "queue_full");
    client.connect();
    browser.socket.welcome();
    acknowledge(browser.socket);
    assert.deepEqual(await outcomes([client.send("chat", 201)]), [""]);
  });
});
