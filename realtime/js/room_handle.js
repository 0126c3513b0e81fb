/** A room as one component of the page has it: `client.room(name)`. */

import { codedError } from "./coded_error.js";
import { Emitter } from "./emitter.js";
import { RoomCursor } from "./room_cursor.js";

/**
 * The events of a handle: the details that its listeners get.
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {object} RoomEvents
 * @property {RoomMessage<Data>} message
 * @property {Presence<Person>} presence the users in the room, when a listener is there and after each change
 * @property {{offset: number, recovered: boolean | null}} joined also after each reconnect; `offset`: newest of the log;
 *   `recovered`: whether all missed publications follow; null: none were missed
 * @property {{reason: "expired" | "epoch_changed" | "ahead" | "unknown", initial: boolean}} resync publications are lost:
 *   load the state anew. `initial`: they are after the position that the handle began with, so a reload could repeat it
 * @property {{code: string | null}} left nothing comes any more. `code`: of the error; "disconnected": until the next
 *   `connect()`; null: a permission ended
 */

/**
 * @template [Data=any]
 * @typedef {object} RoomMessage
 * @property {Data} data
 * @property {number} offset in the log of the room
 * @property {number} time ms since the epoch, the server's
 * @property {boolean} replayed from before the handle began, by its `rewind`
 */

/** @template [Person=any] @typedef {import("./presence.js").Presence<Person>} Presence */
/** @typedef {Error & {code: string}} RoomError the rejection of `joined`, and what an iterator throws */
/** @typedef {(type: keyof RoomEvents, detail: any) => void} RoomEmit */
const MAX_UNREAD = 1000;
const DISCONNECTED = "disconnected"; // until the next `connect()`

/**
 * Gets each publication of its room once, in order, or `resync`.
 * @template [Data=any]
 * @template [Person=any]
 * @extends {Emitter<RoomEvents<Data, Person>>}
 */
export class RoomHandle extends Emitter {
  #send;
  #cursor;
  #room;
  /** @type {string | undefined} the code of its end */
  #code;
  /** @type {((value?: unknown) => void)[]} iterators that have read all */
  #waiting = [];
  /** @type {Promise<void>} */
  #joined = Promise.resolve();
  /** @type {(code?: string) => void} */
  #settle = () => {};

  /**
   * @param {string} name
   * @param {import("./room_cursor.js").RoomOptions} options
   * @param {(data: unknown) => Promise<any>} send
   * @param {(cursor: RoomCursor) => import("./room.js").Room} open begins to read the room
   */
  constructor(name, options, send, open) {
    super((type) => type === "presence" && this.#room.watch(this.#cursor));
    this.name = name;
    this.#send = send;
    this.#awaitJoin();
    this.#cursor = new RoomCursor(options, (type, detail) => this.#onEvent(type, detail));
    this.#room = open(this.#cursor);
  }

  /**
   * Of the newest message, or where the handle began; null: not begun. It stays after the end: a new
   * handle with it as `since` goes on from there.
   */
  get position() {
    return this.#cursor.position;
  }

  /**
   * The users in the room, as of the newest `presence` event; null: not known, or no listener wants them.
   * @returns {Presence<Person> | null}
   */
  get presence() {
    return this.#room.presence;
  }

  /**
   * Resolved once the room is joined, which waits for a connection; rejected with a `RoomError`: with
   * the code "left" by `close()`, with "disconnected" by `disconnect()` or when the server sends the
   * client away for good; a new one waits for the next `connect()` then. It needs no `catch`.
   */
  get joined() {
    return this.#joined;
  }

  /**
   * Send a message to the room. It waits while there is no connection.
   * @param {unknown} data any value that JSON can express
   * @returns {Promise<import("./position.js").Position | null>} as `send` of the client
   */
  send(data) {
    return this.#send(data);
  }

  /** End this handle; other handles of the room go on. No event follows. */
  close() {
    this.#room.close(this.#cursor);
    this.#onLeft("left");
    this.#wake();
  }

  /**
   * The messages from now on, until `close()`. Throws a `RoomError` when the room is left otherwise, and
   * one with the code "behind" when more than 1,000 messages are unread.
   * @returns {AsyncGenerator<RoomMessage<Data>, void, void>}
   */
  async *[Symbol.asyncIterator]() {
    /** @type {RoomMessage<Data>[]} */
    const unread = [];
    const off = this.on("message", (message) => {
      if (unread.length <= MAX_UNREAD) unread.push(message);
    });
    try {
      for (;;) {
        if (unread.length > MAX_UNREAD) throw roomError("behind");
        const message = unread.shift();
        if (message) yield message;
        else if (!this.#code) await new Promise((wake) => this.#waiting.push(wake));
        else if (this.#code === "left") return;
        else throw roomError(this.#code);
      }
    } finally {
      off();
    }
  }

  /** @type {RoomEmit} */
  #onEvent(type, detail) {
    if (this.#code) return;
    if (type === "joined") this.#settle();
    if (type === "left") this.#onLeft(detail.code ?? "forbidden");
    this.#wake();
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} code */
  #onLeft(code) {
    this.#settle(code);
    if (code === DISCONNECTED) this.#awaitJoin();
    else this.#code ??= code;
  }

  #awaitJoin() {
    this.#joined = new Promise((resolve, reject) => {
      this.#settle = (code) => (code ? reject(roomError(code)) : resolve());
    });
    this.#joined.catch(() => {}); // no unhandled rejection: listeners to `left` get the code, too
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** @param {string} code @returns {RoomError} */
function roomError(code) {
  return codedError(code, `the room: ${code}`);
}
