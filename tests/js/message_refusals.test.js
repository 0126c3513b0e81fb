/** Messages that the server or the client refuses. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { acknowledge, refuse, sentData } from "./message_pages.js";
import { connectedPage, outcomes, page } from "./pages.js";

describe("refusals", () => {
  for (const code of ["forbidden", "not_joined", "invalid_message"]) {
    test(`${code} is final, and the next message is sent`, async () => {
      const { browser, client } = connectedPage();
      const sent = [1, 2].map((data) => client.send("chat", data));
      refuse(browser.socket, code);
      assert.deepEqual(await outcomes(sent), [code, ""]);
      await assert.rejects(/** @type {Promise<void>} */ (sent[0]), new RegExp(`refused: ${code}`));
      assert.deepEqual(sentData(browser.socket), [1, 2]);
    });
  }

  test("an error without id and room rejects the message in flight", async () => {
    const { browser, client } = connectedPage();
    const sent = [1, 2].map((data) => client.send("chat", data));
    browser.socket.receive({ type: "error", code: "invalid_json", detail: "expected …" });
    assert.deepEqual(await outcomes(sent), ["invalid_json", ""]);
    assert.deepEqual(sentData(browser.socket), [1, 2]);
  });

  for (const code of ["unavailable", "rate_limited"]) {
    test(`${code}: the same message is sent again after a pause, before later ones`, async () => {
      const { browser, client } = connectedPage();
      const { socket } = browser;
      const sent = [1, 2].map((data) => client.send("chat", data));
      refuse(socket, code);
      browser.advance(499);
      assert.deepEqual(sentData(socket), [1]);
      browser.advance(1);
      refuse(socket, code);
      browser.advance(1000);
      assert.deepEqual(sentData(socket), [1, 1, 1]);
      assert.equal(new Set(socket.sentOfType("message").map(({ key }) => key)).size, 1);
      acknowledge(socket);
      acknowledge(socket);
      assert.deepEqual(await outcomes(sent), ["done", "done"]);
    });
  }

  test("after a success the pause is short again", () => {
    const { browser, client } = connectedPage();
    const { socket } = browser;
    for (const data of [1, 2]) {
      void client.send("chat", data);
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
    assert.equal(sentData(browser.socket).length, 1);
  });

  test("before the first welcome the limit is 64 KB", async () => {
    const { client } = page();
    const sent = [65_534, 65_535].map((length) => client.send("chat", "x".repeat(length)));
    assert.deepEqual(await outcomes(sent), ["", "invalid_message"]);
  });

  test("null is data", () => {
    const { browser, client } = connectedPage();
    void client.send("chat", null);
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
