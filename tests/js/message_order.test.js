/** Random refusals, losses, repetitions, joins and reloads: order holds, and each is published once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Browser, FakeStorage } from "./browser.js";
import { tick } from "./message_pages.js";
import { MessageServer } from "./message_server.js";
import { advanceToNextAttempt, page } from "./pages.js";
import { seeded } from "./random.js";

const SEEDS = Number(process.env.MESSAGE_ORDER_SEEDS ?? 100);
const STEPS = 120;
const ROOMS = ["a", "b", "c"];

/** @typedef {{room: string, number: number, isBad: boolean, outcome: string}} Sent */

class Tab {
  #random;
  #storage = new FakeStorage();
  #server;
  /** @type {Sent[]} */
  sent = [];
  /** @type {{browser: Browser, client: import("../../realtime/js/client.js").RealtimeClient}} */
  #page;
  #rooms = ROOMS;

  /** @param {number} seed */
  constructor(seed) {
    this.#random = seeded(seed);
    this.#server = new MessageServer(this.#random);
    this.#page = this.#load();
  }

  get logs() {
    return this.#server.logs;
  }

  /** One thing happens. */
  async step() {
    const actions = [
      ...[this.#send, this.#send, this.#send, tick, tick, this.#serve, this.#serve, this.#wait],
      ...[this.#serveLate, this.#joinAnew],
      ...(this.#random() < 0.3 ? [this.#lose, this.#reload] : []),
    ];
    await actions[Math.floor(this.#random() * actions.length)]?.call(this);
  }

  /** From now on the server is well, until all messages are answered. */
  async settle() {
    this.#serveLate();
    this.#server.calm = true;
    for (let round = 0; round < 60; round += 1) {
      await tick();
      this.#connect();
      this.#serve();
      this.#page.browser.advance(1000);
    }
    this.#serve();
    await tick();
    return this.#page.client.stats().pending;
  }

  #load() {
    const browser = new Browser(this.#storage);
    Object.defineProperty(browser, "random", { get: this.#random });
    const { setTimeout, ...others } = browser.environment;
    // With random times a due timer may be early by a rounding error, and is set again.
    const atLeast1 = (/** @type {() => void} */ run, /** @type {number} */ ms) =>
      setTimeout(run, Math.max(ms, 1));
    const loaded = page({ environment: { ...others, setTimeout: atLeast1 } }, browser);
    this.#rooms = this.#random() < 0.7 ? ROOMS : ROOMS.slice(1);
    if (this.#random() < 0.5) for (const room of this.#rooms) loaded.client.join(room);
    if (this.#random() < 0.5) this.#send(loaded.client);
    loaded.client.connect();
    for (const room of this.#rooms) loaded.client.join(room);
    return loaded;
  }

  #send(client = this.#page.client) {
    const room = this.#rooms[Math.floor(this.#random() * this.#rooms.length)] ?? "";
    const isBad = this.#random() < 0.1;
    const message = { room, number: this.sent.length, isBad, outcome: "" };
    this.sent.push(message);
    client.send(room, { number: message.number, isBad }).then(
      () => (message.outcome = "done"),
      ({ code }) => (message.outcome = code),
    );
  }

  #serve() {
    this.#server.serve(this.#page.browser.socket);
  }

  #serveLate() {
    this.#server.serveLate();
  }

  #wait() {
    this.#page.browser.advance(this.#random() * 2000);
    this.#connect();
  }

  #joinAnew() {
    const room = this.#rooms[0] ?? "";
    this.#page.client.leave(room);
    this.#page.client.join(room);
  }

  #lose() {
    if (this.#page.client.state === "connected") this.#server.lose(this.#page.browser.socket);
    if (this.#random() < 0.5) this.#connect();
  }

  #connect() {
    const { browser, client } = this.#page;
    if (client.state !== "connecting") return;
    if (browser.socket.readyState > 0) advanceToNextAttempt(browser, client);
    browser.socket.open();
    this.#server.welcome(browser.socket, { resumed: this.#random() < 0.5 });
  }

  /** A page knows its user once it was welcomed. */
  #reload() {
    const { browser, client } = this.#page;
    if (client.stats().user === null) return;
    if (this.#random() < 0.5) this.#serve();
    browser.hidePage();
    this.#server.lose(browser.socket);
    this.#page = this.#load();
  }
}

test(`${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const tab = new Tab(seed);
    for (let step = 0; step < STEPS; step += 1) await tab.step();
    assert.equal(await tab.settle(), 0, `seed ${seed}: all are answered`);
    for (const room of ROOMS) {
      const published = (tab.logs.get(room) ?? []).map(({ number }) => number);
      const good = tab.sent.filter((each) => each.room === room && !each.isBad);
      const expected = good.map(({ number }) => number);
      assert.deepEqual(published, expected, `seed ${seed}: room ${room} in order, each once`);
    }
    for (const { number, isBad, outcome } of tab.sent) {
      const allowed = ["", isBad ? "forbidden" : "done"]; // "": its page was reloaded
      assert.ok(allowed.includes(outcome), `seed ${seed}: ${number} ended with ${outcome}`);
    }
  }
});
