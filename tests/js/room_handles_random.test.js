/**
 * Ten handles on three rooms with random options come and go, under traffic, losses, and logs that are
 * trimmed or replaced: each handle gets what its options promise. `SEED=7 node --test …` runs one seed.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { advanceToNextAttempt, page } from "./pages.js";
import { seeded } from "./random.js";
import { RoomServer } from "./room_server.js";

/** @typedef {import("../../realtime/js/client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("../../realtime/js/room_cursor.js").RoomOptions} RoomOptions */
/** @typedef {{epoch: string, offset: number}} Position */

const ROOMS = ["a", "b", "c"];
const HANDLES = 10;
const STEPS = 400;
const SEEDS = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: 150 }, (_, i) => i + 1);

/** A handle, or the page's `join`, and whether its events keep the promise of its options. */
class Reader {
  /** @type {Position | null} after which the next message has to come; null: not begun */
  position;
  isClosed = false;
  rewindEnd = 0;

  /**
   * @param {RoomServer} server
   * @param {string} room
   * @param {RoomOptions} [options]
   */
  constructor(server, room, options = {}) {
    const { since } = options;
    this.server = server;
    this.room = room;
    this.rewind = options.rewind ?? 0;
    this.start = this.position = since && typeof since === "object" ? since : null;
    this.lost = since === "" ? "unknown" : "";
    /** @type {Position} of the newest joined event */
    this.joinedAt = { epoch: "", offset: 0 };
  }

  /** @param {{offset: number, recovered: boolean | null}} detail */
  onJoined({ offset, recovered }) {
    assert.equal(this.isClosed, false);
    const { server, room, rewind } = this;
    assert.equal(server.isAlone, false);
    const answer = server.answer(room);
    this.joinedAt = { epoch: String(server.knownEpoch(room)), offset };
    const expected = this.#isLost(answer) ? false : this.position && true;
    assert.equal(recovered, expected, JSON.stringify([this.position, this.lost, server.frame]));
    if (answer) assert.equal(offset, answer.offset);
    if (recovered !== null) return;
    this.position = this.joinedAt;
    if (!rewind) return;
    assert.ok(answer && "after" in answer);
    const first = Math.max(answer.oldest - 1, answer.offset - rewind);
    this.position = { epoch: answer.epoch, offset: first };
    this.rewindEnd = answer.offset;
  }

  /** Whether, by this answer if there is one, something after the position is lost. @param {any} answer */
  #isLost(answer) {
    if (!this.position || !answer) return this.lost !== "";
    const { epoch, offset } = this.position;
    return epoch !== answer.epoch || offset > answer.offset || offset + 1 < answer.oldest;
  }

  /** @param {{data: any, offset: number, replayed?: boolean}} message */
  onMessage({ data, offset, replayed = false }) {
    assert.equal(this.isClosed, false);
    assert.ok(this.position);
    assert.equal(data, `${this.position.epoch}:${this.position.offset + 1}`);
    assert.equal(replayed, offset <= this.rewindEnd);
    this.position = { ...this.position, offset };
  }

  /** @param {{reason: string, initial?: boolean}} detail */
  onResync({ reason, initial = false }) {
    assert.equal(this.isClosed, false);
    assert.equal(
      initial,
      this.lost === "unknown" || (this.start && this.position === this.start) === true,
    );
    if (this.lost) assert.equal(reason, this.lost);
    this.lost = "";
    this.rewindEnd = 0;
    this.position = this.joinedAt;
  }
}

/** A page with its server, and the readers on it. */
class World {
  /** The first failure of a listener, which an EventTarget would report too late. @type {unknown} */
  failure;
  readers = /** @type {{reader: Reader, close: () => void}[]} */ ([]);
  /** @type {Map<string, Reader>} of the page's joins */
  joins = new Map();

  /** @param {number} seed */
  constructor(seed) {
    this.random = seeded(seed);
    const { browser, client } = page();
    browser.random = 0.1;
    this.browser = browser;
    this.client = client;
    this.server = new RoomServer(ROOMS);
    this.#listenToPage();
    client.connect();
  }

  #listenToPage() {
    const { client, joins } = this;
    client.on("joined", (detail) => this.#check(() => joins.get(detail.room)?.onJoined(detail)));
    client.on("message", (detail) => this.#check(() => joins.get(detail.room)?.onMessage(detail)));
    client.on("resync", (detail) => this.#check(() => joins.get(detail.room)?.onResync(detail)));
  }

  /** @param {() => void} assertions */
  #check(assertions) {
    try {
      assertions();
    } catch (error) {
      this.failure ??= error;
    }
  }

  /** An integer from `low` to `high`. @param {number} low @param {number} high */
  number(low, high) {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  /** @template T @param {T[]} list @returns {T} */
  pick(list) {
    return /** @type {T} */ (list[this.number(0, list.length - 1)]);
  }

  step() {
    if (this.failure) throw this.failure;
    const room = this.pick(ROOMS);
    const { server } = this;
    const dice = this.number(1, 100);
    if (dice <= 20) server.publish(room);
    else if (dice <= 45) server.deliver(room);
    else if (dice <= 65) server.arrive();
    else if (dice <= 75) server.serve(this.random() < 0.9);
    else if (dice <= 82) this.#open(room);
    else if (dice <= 88) this.#close();
    else if (dice <= 91) this.#joinOrLeave(room);
    else if (dice <= 94) this.#connect();
    else if (dice <= 96) server.trim(room, this.number(1, 4));
    else if (dice <= 97) this.random() < 0.3 && server.replace(room);
    else if (dice <= 98) server.drop();
    else this.browser.advance(this.number(1, 700));
  }

  /** @param {string} room */
  #open(room) {
    if (this.readers.length >= HANDLES) return;
    const options = this.#options(room);
    const reader = new Reader(this.server, room, options);
    const handle = this.client.room(room, options);
    handle.on("joined", (detail) => this.#check(() => reader.onJoined(detail)));
    handle.on("message", (detail) => this.#check(() => reader.onMessage(detail)));
    handle.on("resync", (detail) => this.#check(() => reader.onResync(detail)));
    handle.on("left", () => this.#check(() => assert.fail("left")));
    this.readers.push({ reader, close: () => handle.close() });
  }

  /** @param {string} room @returns {RoomOptions} */
  #options(room) {
    const { epoch, oldest, end } = this.server.log(room);
    const known = { epoch, offset: this.number(Math.max(0, oldest - 3), end) };
    switch (this.number(1, 6)) {
      case 1:
        return { since: "now" };
      case 2:
        return { since: "" };
      case 3:
        return { rewind: this.number(1, 8) };
      case 4:
        return { since: { epoch: `${room}0`, offset: this.number(0, end + 3) } };
      default:
        return { since: known };
    }
  }

  #close() {
    const one = this.readers.splice(this.number(0, this.readers.length), 1)[0];
    if (!one) return;
    one.close();
    one.reader.isClosed = true;
  }

  /** @param {string} room */
  #joinOrLeave(room) {
    const before = this.joins.get(room);
    if (before && !before.isClosed) {
      this.client.leave(room);
      before.isClosed = true;
      return;
    }
    const reader = new Reader(this.server, room);
    if (before?.position || before?.lost) reader.lost = "left";
    this.joins.set(room, reader);
    this.client.join(room);
  }

  #connect() {
    const { browser, client, server } = this;
    if (!server.isAlone) return;
    advanceToNextAttempt(browser, client);
    if (browser.socket.closedWith === null && browser.socket.readyState === 0)
      server.accept(browser.socket);
  }

  /** Until nothing is under way, and nothing is left to say. */
  async settle() {
    const { browser, server } = this;
    for (let quiet = 0; quiet < 40; quiet += 1) {
      this.#connect();
      const isBusy = [
        server.serve(),
        server.arrive(),
        ...ROOMS.map((room) => server.deliver(room)),
      ];
      if (isBusy.some(Boolean)) quiet = 0;
      else browser.advance(300);
      await undefined;
    }
  }
}

for (const seed of SEEDS) {
  test(`each handle gets what its options promise (seed ${seed})`, async () => {
    const world = new World(seed);
    for (let i = 0; i < STEPS; i += 1) {
      world.step();
      if (world.random() < 0.7) await undefined;
    }
    for (const room of ROOMS) world.server.publish(room);
    await world.settle();
    if (world.failure) throw world.failure;
    const open = [...world.readers.map(({ reader }) => reader), ...world.joins.values()];
    for (const { room, position, isClosed, joinedAt } of open) {
      const { epoch, end } = world.server.log(room);
      if (isClosed) continue;
      assert.deepEqual(position, { epoch, offset: end });
      assert.equal(joinedAt.epoch, epoch);
    }
    for (const { close } of world.readers) close();
    for (const room of ROOMS) world.client.leave(room);
    world.browser.advance(1000);
    await world.settle();
    assert.deepEqual(
      ROOMS.filter((room) => world.server.isMember(room)),
      [],
    );
    world.client.disconnect();
  });
}
