/**
 * Unsent messages, kept over the pages of one tab.
 *
 * Like the session, they are in memory only while their page lives: written when it goes, and read
 * and removed by the page that comes, so that no two pages send them. A page that comes out of the
 * back-forward cache sends those that it finds again; another page of the tab has taken the others.
 */

import { messageTo } from "./request_queue.js";
import { isName, putItem, takeItem } from "./storage.js";

/** @typedef {import("./browser_environment.js").Environment} Environment */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {{room: string, data: any, key: string, age: number | null, user?: string | null}} Entry `age`: ms since it was sent; null: never */

const MAX_BYTES = 1_000_000; // browsers give a tab five times as much

const TAKEN = { code: "unknown", detail: "another page of this tab has taken the message" };

export class UnsentMessages {
  #environment;
  #clock;
  /** @type {Set<string>} the keys of the messages that are in the storage */
  #saved = new Set();

  /**
   * @param {Environment} environment
   * @param {{readonly ms: number}} clock elapsed ms
   */
  constructor(environment, clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  /**
   * Save messages for the next page in this tab; the first ones if all are too large.
   * @param {string} place in the storage
   * @param {Request[]} messages
   */
  save(place, messages) {
    const { storage, wall } = this.#environment;
    let bytes = 0;
    const fits = (/** @type {Request} */ message) => {
      bytes += message.bytes ?? 0;
      return bytes <= MAX_BYTES;
    };
    const entries = messages.filter(fits).map((message) => this.#entryOf(message));
    const isSaved = entries.length > 0 && putItem(storage, place, { at: wall(), entries });
    this.#saved = new Set(isSaved ? entries.map(({ key }) => key) : []);
  }

  /**
   * Load and remove what was saved.
   * @param {string} place in the storage
   * @param {Request[]} messages of this page
   * @returns {Request[]} those to send, in their order
   */
  load(place, messages) {
    const found = this.#take(place, messages);
    const saved = this.#saved;
    const isSaved = (/** @type {Request} */ { item }) => item && saved.has(item.key);
    this.#saved = new Set();
    const others = messages.filter((message) => !found.includes(message));
    for (const message of others.filter(isSaved)) message.settle?.(TAKEN);
    return [...found, ...others.filter((message) => !isSaved(message))];
  }

  /**
   * The messages in the storage; those of this page are the objects that it has.
   * @param {string} place
   * @param {Request[]} messages
   * @returns {Request[]}
   */
  #take(place, messages) {
    const { storage, wall } = this.#environment;
    const { at, entries } = Object(takeItem(storage, place));
    const own = new Map(messages.map((message) => [message.item?.key, message]));
    const elapsed = Math.max(0, wall() - at) || 0;
    return (Array.isArray(entries) ? entries : [])
      .filter(isEntry)
      .map((entry) => own.get(entry.key) ?? this.#restored(entry, elapsed));
  }

  /**
   * @param {Request} message
   * @returns {Entry}
   */
  #entryOf({ frame, item, sentAt, user }) {
    const age = sentAt ? this.#clock.ms - sentAt.ms : null;
    return { room: frame.room, data: item?.data, key: item?.key ?? "", age, user };
  }

  /**
   * @param {Entry} entry
   * @param {number} elapsed ms since it was saved
   * @returns {Request}
   */
  #restored({ room, data, key, age, user }, elapsed) {
    const message = messageTo(room, JSON.stringify(data), key);
    message.user = user;
    message.isRestored = true;
    if (age !== null) {
      const [now, { ms }] = [this.#environment.now(), this.#clock];
      message.sentAt = { now: now - age - elapsed, ms: ms - age - elapsed };
    }
    return message;
  }
}

/**
 * Other scripts can write to the storage: check its value.
 * @param {any} value
 * @returns {value is Entry}
 */
function isEntry(value) {
  const { room, data, key, age, user = null } = Object(value);
  return (
    typeof room === "string" &&
    isName(key) &&
    data !== undefined &&
    (age === null || age >= 0) &&
    (user === null || typeof user === "string")
  );
}
