/** `on`, `once` and `off` of the client and of handles, and their types. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { recordEvents } from "./browser.js";
import { connectedPage, page } from "./pages.js";
import { answerRoom, publish } from "./room_pages.js";

describe("listeners of the client", () => {
  test("on() gives details, beside addEventListener, until it is undone", () => {
    const { browser, client } = connectedPage();
    const events = recordEvents(client, "notice");
    /** @type {string[]} */
    const states = [];
    const off = client.on("notice", ({ state }) => states.push(state));
    browser.socket.receive({ type: "notice", state: "degraded" });
    off();
    off();
    browser.socket.receive({ type: "notice", state: "ok" });
    assert.deepEqual([states, events.length], [["degraded"], 2]);
  });

  test("once() is for one event, and can be undone before it", () => {
    const { browser, client } = connectedPage();
    let calls = 0;
    const count = () => {
      calls += 1;
    };
    client.once("notice", count);
    client.once("notice", count)();
    client.once("notice", count);
    client.off("notice", count);
    client.once("notice", count);
    for (const state of ["degraded", "ok"]) browser.socket.receive({ type: "notice", state });
    assert.equal(calls, 1);
  });

  test("off() undoes the listener of this type only", () => {
    const { browser, client } = connectedPage();
    let calls = 0;
    const count = () => {
      calls += 1;
    };
    client.on("notice", count);
    client.on("notice", count);
    client.on("state", count);
    client.off("notice", count);
    browser.socket.receive({ type: "notice", state: "ok" });
    client.disconnect();
    assert.equal(calls, 1);
  });
});

test("types: a misspelt event is an error, and data have the type of the room", () => {
  const { browser, client } = connectedPage();
  /** @type {import("../../realtime/js/index.js").RoomHandle<{text: string}>} */
  const handle = client.room("news");
  let seen = "";
  handle.on("message", ({ data, offset, replayed }) => {
    seen += `${data.text.toUpperCase()} ${offset.toFixed()} ${replayed}`;
    // @ts-expect-error no such field
    assert.equal(data.nonsense, undefined);
  });
  handle.once("resync", ({ reason, initial }) => reason === "unknown" && initial);
  /** @type {import("../../realtime/js/index.js").RoomHandle<any, {name: string}>} */
  const watched = client.room("news");
  watched.on("presence", ({ users, list, joined, left }) => {
    seen += `${users.toFixed()} ${list?.[0].data.name.trim()} ${joined[0].user.trim()} ${left.join()}`;
    // @ts-expect-error no such field
    assert.equal(list?.[0].data.nonsense, undefined);
  });
  // @ts-expect-error no such event
  handle.on("mesage", () => {});
  // @ts-expect-error no such event
  handle.off("mesage", () => {});
  // @ts-expect-error no such event
  client.on("mesage", () => {});
  // @ts-expect-error no such method: `on` is typed
  void handle.addEventListener;
  client.on("state", ({ previous }) => previous.toUpperCase());
  // @ts-expect-error no such option
  assert.ok(page().client.room("other", { from: "k3:41" }));
  answerRoom(browser.socket, { epoch: "e", offset: 5 });
  browser.socket.receive({
    type: "publication",
    room: "news",
    offset: 6,
    time: 7,
    data: { text: "a" },
  });
  assert.equal(seen, "A 6 false");
  publish(browser.socket);
});
