/** The users in a room, as a handle tells them. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { RoomUse } from "../../realtime/js/hooks/room_use.js";
import { connectedPage, page } from "./pages.js";
import { seeded } from "./random.js";
import { answerRoom, reopened } from "./room_pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {import("../../realtime/js/presence.js").Presence} Presence */
/** @typedef {import("../../realtime/js/room_handle.js").RoomHandle} RoomHandle */

const ENTRY = { epoch: "e", offset: 5 };
const [ANN, BOB, EVE] = ["ann", "bob", "eve"].map((user) => ({ user, data: { name: user } }));

/** A page in the room news. */
function pageInRoom() {
  const { browser, client } = connectedPage();
  const handle = client.room("news");
  answerRoom(browser.socket, ENTRY);
  return { browser, client, handle, socket: browser.socket };
}

/** The pictures that a handle tells from now on. @param {RoomHandle} handle */
function pictures(handle) {
  /** @type {Presence[]} */
  const seen = [];
  handle.on("presence", (picture) => seen.push(picture));
  return seen;
}

/** @param {FakeSocket} socket */
function asked(socket) {
  return socket.sentOfType("presence").map(({ room }) => room);
}

/** The server answers the newest question. @param {FakeSocket} socket @param {Record<string, any>[]} [list] */
function answer(socket, list, counts = countsOf(list)) {
  const { id, room } = socket.sentOfType("presence").at(-1) ?? {};
  socket.receive({ type: "presence", id, room, ...counts, list });
}

/** @param {Record<string, any>[]} [list] */
function countsOf(list) {
  return { sessions: list?.length ?? 300, users: list?.length ?? 300 };
}

/** @param {FakeSocket} socket @param {object} fields */
function change(socket, fields) {
  const frame = { type: "presence", room: "news", sessions: 9, users: 9, joined: [], left: [] };
  socket.receive({ ...frame, ...fields });
}

/** @param {Presence} picture */
function users({ list, joined, left }) {
  const names = (/** @type {Presence["joined"] | null} */ of) => of?.map(({ user }) => user);
  return { list: names(list), joined: names(joined), left };
}

describe("the users in a room", () => {
  test("are asked for when a first listener wants them", () => {
    const { client, handle, socket } = pageInRoom();
    handle.on("message", () => {});
    assert.deepEqual(asked(socket), []);
    handle.once("presence", () => {});
    handle.on("presence", () => {});
    client.room("news").on("presence", () => {});
    assert.deepEqual(asked(socket), ["news"]);
  });

  test("are asked for once the room is joined", () => {
    const { browser, client } = connectedPage();
    client.room("news").on("presence", () => {});
    assert.deepEqual(asked(browser.socket), []);
    answerRoom(browser.socket, ENTRY);
    assert.deepEqual(asked(browser.socket), ["news"]);
  });

  test("are a whole picture first, then with what has changed", () => {
    const { handle, socket } = pageInRoom();
    assert.equal(handle.presence, null);
    const seen = pictures(handle);
    answer(socket, [ANN, BOB]);
    const first = { sessions: 2, users: 2, list: [ANN, BOB], joined: [], left: [] };
    assert.deepEqual(seen, [first]);
    change(socket, { sessions: 4, users: 2, joined: [EVE], left: ["ann"] });
    const second = { sessions: 4, users: 2, list: [BOB, EVE], joined: [EVE], left: ["ann"] };
    assert.deepEqual(seen, [first, second]);
    assert.equal(handle.presence, seen[1]);
  });

  test("may be described anew", () => {
    const { handle, socket } = pageInRoom();
    const [seen, busy] = [pictures(handle), { user: "ann", data: { name: "ann", busy: true } }];
    answer(socket, [ANN, BOB]);
    change(socket, { joined: [busy] });
    assert.deepEqual(seen[1].list, [BOB, busy]);
  });

  test("are counted where they are too many to list", () => {
    const { handle, socket } = pageInRoom();
    const seen = pictures(handle);
    answer(socket);
    change(socket, { sessions: 302, users: 301, joined: [EVE], left: [] });
    assert.deepEqual(seen, [
      { sessions: 300, users: 300, list: null, joined: [], left: [] },
      { sessions: 302, users: 301, list: null, joined: [EVE], left: [] },
    ]);
  });

  test("are listed again once they are few enough, and no longer when they are too many", () => {
    const { handle, socket } = pageInRoom();
    const seen = pictures(handle);
    answer(socket);
    change(socket, { joined: [], left: ["eve"], list: [ANN, BOB] });
    change(socket, { joined: [EVE], left: ["ann"] });
    change(socket, { joined: [ANN], list: null });
    change(socket, { left: ["ann"] });
    assert.deepEqual(seen.map(users), [
      { list: undefined, joined: [], left: [] },
      { list: ["ann", "bob"], joined: [], left: ["eve"] },
      { list: ["bob", "eve"], joined: ["eve"], left: ["ann"] },
      { list: undefined, joined: ["ann"], left: [] },
      { list: undefined, joined: [], left: ["ann"] },
    ]);
  });

  test("are asked for again after a reconnect, and only what is new has joined or left", () => {
    const { browser, client, handle, socket } = pageInRoom();
    const seen = pictures(handle);
    answer(socket, [ANN, BOB]);
    const next = reopened({ browser, client });
    next.welcome({ rooms: { news: ENTRY }, resumed: true });
    assert.deepEqual(asked(next), ["news"]);
    assert.equal(handle.presence, seen[0]);
    change(next, { joined: [EVE], left: ["bob"] });
    answer(next, [ANN, EVE]);
    assert.deepEqual(seen.map(users), [
      { list: ["ann", "bob"], joined: [], left: [] },
      { list: ["ann", "eve"], joined: ["eve"], left: ["bob"] },
      { list: ["ann", "eve"], joined: [], left: [] },
    ]);
  });

  test("are asked for behind the messages that wait", async () => {
    const { browser, client, handle } = pageInRoom();
    pictures(handle);
    browser.socket.drop();
    void handle.send("hello");
    client.connect();
    browser.socket.welcome({ rooms: { news: ENTRY } });
    const { socket } = browser;
    const types = () => socket.sent.map(({ type }) => type).filter((type) => type !== "hello");
    assert.deepEqual(types(), ["messages"]);
    const { id } = socket.sentOfType("messages")[0];
    socket.receive({ type: "acks", id, items: [{}] });
    assert.deepEqual(types(), ["messages", "presence"]);
  });

  test("a listener to the welcome may want them", () => {
    const { browser, client, handle } = pageInRoom();
    handle.once("joined", () => pictures(handle));
    const socket = reopened({ browser, client });
    socket.welcome({ rooms: { news: ENTRY } });
    assert.deepEqual(asked(socket), ["news"]);
  });

  test("are asked for again when the server cannot tell them now", () => {
    const { browser, handle, socket } = pageInRoom();
    const seen = pictures(handle);
    const [{ id }] = socket.sentOfType("presence");
    socket.receive({ type: "error", id, room: "news", code: "unavailable", detail: "" });
    browser.advance(1000);
    assert.deepEqual(asked(socket), ["news", "news"]);
    answer(socket, [ANN]);
    assert.equal(seen.length, 1);
  });

  test("stay unknown where the server refuses them", () => {
    const { handle, socket } = pageInRoom();
    const seen = pictures(handle);
    const [{ id }] = socket.sentOfType("presence");
    socket.receive({ type: "error", id, room: "news", code: "not_joined", detail: "" });
    assert.deepEqual([seen, handle.presence], [[], null]);
  });

  test("changes before the whole picture, and without a listener, are none", () => {
    const { handle, socket } = pageInRoom();
    const seen = pictures(handle);
    change(socket, { joined: [EVE] });
    assert.deepEqual([seen, handle.presence], [[], null]);
  });

  test("another handle gets them as they are", async () => {
    const { client, handle, socket } = pageInRoom();
    pictures(handle);
    answer(socket, [ANN]);
    change(socket, { joined: [BOB] });
    const seen = pictures(client.room("news"));
    await undefined;
    assert.deepEqual(seen.map(users), [{ list: ["ann", "bob"], joined: [], left: [] }]);
    change(socket, { left: ["ann"] });
    assert.deepEqual(seen.map(users)[1], { list: ["bob"], joined: [], left: ["ann"] });
    assert.deepEqual(asked(socket), ["news"]);
  });

  test("are forgotten with the connection if no listener is left", async () => {
    const { browser, client, handle, socket } = pageInRoom();
    const other = client.room("news");
    pictures(other);
    answer(socket, [ANN]);
    other.close();
    const next = reopened({ browser, client });
    next.welcome({ rooms: { news: ENTRY } });
    assert.deepEqual([asked(next), handle.presence], [[], null]);
    const seen = pictures(handle);
    await undefined;
    answer(next, [BOB]);
    assert.deepEqual(seen.map(users), [{ list: ["bob"], joined: [], left: [] }]);
  });

  test("a closed handle gets none", async () => {
    const { client, handle, socket } = pageInRoom();
    const [seen, other] = [pictures(handle), client.room("news")];
    answer(socket, [ANN]);
    handle.close();
    const late = pictures(other);
    other.close();
    await undefined;
    change(socket, { joined: [BOB] });
    assert.deepEqual([seen.length, late], [1, []]);
  });

  test("are no business of the page's own join", () => {
    const { client, handle, socket } = pageInRoom();
    client.join("news");
    pictures(handle);
    const before = socket.sent.length;
    answer(socket, [ANN]);
    assert.equal(socket.sent.length, before);
  });
});

describe("the users in the room of a component", () => {
  test("are in its status, if it wants them", async () => {
    const { browser, client } = page();
    const use = new RoomUse(client, "news", () => ({ presence: true }));
    const end = use.subscribe(() => {});
    browser.socket.welcome({ rooms: { news: ENTRY } });
    answer(browser.socket, [ANN]);
    assert.deepEqual([use.status.joined, use.status.presence?.list], [true, [ANN]]);
    browser.socket.drop();
    assert.deepEqual(use.status.presence?.list, [ANN]);
    end();
    assert.equal(use.status.presence, null);
  });

  test("are not asked for otherwise", () => {
    const { browser, client } = page();
    new RoomUse(client, "news", () => ({})).subscribe(() => {});
    browser.socket.welcome({ rooms: { news: ENTRY } });
    assert.deepEqual(asked(browser.socket), []);
  });
});

const LISTED = 5; // of the simulated server

/**
 * A room whose users come, go and are described anew, as a server tells of them: the changes since
 * the last frame, and the whole list where it begins or ends to be one.
 */
class SimulatedRoom {
  /** @type {Map<string, number>} */
  users = new Map();
  /** @type {Map<string, number>} */
  #shown = new Map();

  /** @param {() => number} random */
  step(random) {
    const user = `u${Math.floor(random() * 8)}`;
    if (random() < 0.4) this.users.delete(user);
    else this.users.set(user, random());
  }

  get list() {
    const listed = [...this.users].map(([user, data]) => ({ user, data }));
    return listed.length > LISTED ? null : listed;
  }

  answer() {
    this.#shown = new Map(this.users);
    return { ...this.#counts, ...(this.list && { list: this.list }) };
  }

  change() {
    const before = this.#shown;
    const [was, is] = [before.size <= LISTED, this.users.size <= LISTED];
    const joined = [...this.users].filter(([user, data]) => before.get(user) !== data);
    const left = [...before.keys()].filter((user) => !this.users.has(user));
    this.#shown = new Map(this.users);
    const entries = joined.map(([user, data]) => ({ user, data }));
    return { ...this.#counts, joined: entries, left, ...(was !== is && { list: this.list }) };
  }

  get #counts() {
    return { sessions: this.users.size + 1, users: this.users.size };
  }
}

/** @param {Presence["list"] | undefined} list */
function sorted(list) {
  return list ? [...list].sort((one, other) => (one.user < other.user ? -1 : 1)) : null;
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`the picture is that of the server after all changes and reconnects (seed ${seed})`, () => {
    const random = seeded(seed);
    const { browser, client, handle } = pageInRoom();
    const [room, seen] = [new SimulatedRoom(), pictures(handle)];
    answerWith(browser.socket, room);
    for (let step = 0; step < 300; step += 1) {
      const before = seen.at(-1);
      while (random() < 0.7) room.step(random);
      if (random() < 0.1) {
        reopened({ browser, client }).welcome({ rooms: { news: ENTRY } });
        while (random() < 0.5) room.step(random);
        answerWith(browser.socket, room);
      } else change(browser.socket, room.change());
      const [after, truth] = [/** @type {Presence} */ (seen.at(-1)), sorted(room.list)];
      assert.deepEqual([sorted(after.list), after.users], [truth, room.users.size]);
      if (before?.list && truth) {
        const gone = new Set([...after.left, ...after.joined.map(({ user }) => user)]);
        const kept = before.list.filter(({ user }) => !gone.has(user));
        assert.deepEqual(sorted([...kept, ...after.joined]), truth);
      }
    }
  });
}

/** @param {FakeSocket} socket @param {SimulatedRoom} room */
function answerWith(socket, room) {
  const [ask] = socket.sentOfType("presence");
  socket.receive({ type: "presence", id: ask.id, room: ask.room, ...room.answer() });
}
