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
/** @typedef {import("./request_queue.js").Message} Message */
/** @typedef {{room: string, data: any, key: string, age: number | null, user?: string | null}} Entry `age`: ms since it was sent; null: never */

const MAX_BYTES = 1_000_000; // browsers give a tab five times as much

const TAKEN = { code: "unknown", detail: "another page has it" };

export class UnsentMessages {
  #environment;
  #clock;

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
   * @param {Message[]} messages
   */
  save(place, messages) {
    const { storage, wall } = this.#environment;
    let total = 0;
    const fitting = messages.filter(({ bytes }) => {
      total += bytes;
      return total <= MAX_BYTES;
    });
    const entries = fitting.map((message) => this.#entryOf(message));
    const isSaved = entries.length > 0 && putItem(storage, place, { at: wall(), entries });
    for (const message of messages) message.isSaved = isSaved && fitting.includes(message);
  }

  /**
   * Load and remove what was saved.
   * @param {string} place in the storage
   * @param {Message[]} messages of this page
   * @returns {Message[]} those to send, in their order
   */
  load(place, messages) {
    const found = this.#take(place, messages);
    const others = messages.filter((message) => !found.includes(message));
    for (const { isSaved, settle } of others) if (isSaved) settle?.(TAKEN);
    for (const message of found) message.isSaved = false;
    return [...found, ...others.filter(({ isSaved }) => !isSaved)];
  }

  /**
   * The messages in the storage; those of this page are the objects that it has.
   * @param {string} place
   * @param {Message[]} messages
   * @returns {Message[]}
   */
  #take(place, messages) {
    const { storage, wall } = this.#environment;
    const { at, entries } = Object(takeItem(storage, place));
    const own = new Map(messages.map((message) => [message.item.key, message]));
    const elapsed = Math.max(0, wall() - at) || 0;
    return [entries]
      .flat()
      .filter(isEntry)
      .map((entry) => own.get(entry.key) ?? this.#restored(entry, elapsed));
  }

  /**
   * @param {Message} message
   * @returns {Entry}
   */
  #entryOf({ frame, item, sentAt, user }) {
    const age = sentAt ? this.#clock.ms - sentAt.ms : null;
    return { room: frame.room, ...item, age, user };
  }

  /**
   * @param {Entry} entry
   * @param {number} elapsed ms since it was saved
   * @returns {Message}
   */
  #restored({ room, data, key, age, user }, elapsed) {
    const [now, { ms }] = [this.#environment.now(), this.#clock];
    const past = Number(age) + elapsed;
    const sentAt = age === null ? undefined : { now: now - past, ms: ms - past };
    return { ...messageTo(room, JSON.stringify(data), key), user, sentAt, isRestored: true };
  }
}

/**
 * Other scripts can write to the storage: check its value.
 * @param {any} value
 * @returns {value is Entry}
 */
function isEntry(value) {
  const { room, data, key, age } = Object(value);
  return (
    typeof room === "string" && isName(key) && data !== undefined && (age === null || age >= 0)
  );
}
