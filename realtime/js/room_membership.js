/**
 * One room of the page: its readers, and how far the server's stream has got on this connection.
 *
 * Invariants:
 *
 * 1. A reader takes the publication after its position and no other, so it gets each once, in order.
 * 2. The stream is the position after which the server sends next. It follows from the newest answer
 *    and the publications since then, not from the readers.
 * 3. The stream serves a reader whose position is at or beyond it, in the same log, and not beyond the
 *    log's known end. For any other one the server has to be asked again, from the lowest position.
 * 4. An answer says the log's epoch and end, so it decides about each reader that is not in this log.
 *    `recovered: false` decides about readers at or before the position asked for only: the log may
 *    still reach back to the others, which are asked for next.
 */

import { presenceAfter } from "./presence.js";

/** @typedef {import("./position.js").Position} Position */
/** @typedef {import("./room_cursor.js").RoomCursor} RoomCursor */
/** @typedef {import("./room_cursor.js").Question} Question */
/** @typedef {Record<string, any>} Frame */

export class RoomMembership {
  /** @type {Set<RoomCursor>} */
  cursors = new Set();
  /** @type {RoomCursor | null} the one of the page's `join` */
  page = null;
  /** @type {Question | undefined} of the newest hello; undefined: it did not name the room */
  hello;
  /** @type {Question | undefined} of a join that is queued or sent */
  asked;
  /** The application knows, by `left`, that nothing comes for now. */
  isSilent = false;
  /** @type {Position | null} after which the server sends next; null: not joined on this connection */
  stream = null;
  /** @type {Set<import("./room_handle.js").RoomEmit>} of the readers that want to know the users in the room */
  watchers = new Set();
  /** @type {import("./presence.js").Presence | null} null: not known */
  presence = null;
  /** The server was asked for it on this connection. */
  isWatched = false;
  /** @type {Position | null} the newest publication known */
  #end = null;

  /**
   * @param {string} room
   * @param {import("./timer.js").Timer} linger runs while there is no reader
   */
  constructor(room, linger) {
    this.room = room;
    this.linger = linger;
  }

  /** A new connection begins. */
  reset() {
    this.stream = null;
    this.hello = undefined;
    this.forgetRequests();
    if (!this.watchers.size) this.presence = null;
    for (const cursor of this.cursors) cursor.isJoined = false;
  }

  /** The queue has dropped its requests. */
  forgetRequests() {
    this.asked = undefined;
    this.isWatched = false;
  }

  /** The lowest position of the readers, in the log that the page knows. @returns {Position | null} */
  get lowest() {
    const isOther = (/** @type {Position} */ { epoch }) => Number(epoch !== this.#end?.epoch);
    const positions = [...this.cursors].flatMap(({ position }) => position ?? []);
    positions.sort((one, two) => isOther(one) - isOther(two) || one.offset - two.offset);
    return positions[0] ?? null;
  }

  /** @returns {Question} what to ask the server for */
  get question() {
    const cursors = [...this.cursors];
    const rewind = Math.max(...cursors.map((cursor) => cursor.rewind));
    return rewind > 0 && cursors.every((one) => this.#serves(one)) ? { rewind } : this.lowest;
  }

  /** Whether the server does all that it should for the readers. */
  get isServed() {
    return this.stream && [...this.cursors].every((one) => !one.rewind && this.#serves(one));
  }

  /** Whether the stream gets to the reader's position, if it has one. @param {RoomCursor} cursor */
  #serves({ position }) {
    const [stream, end] = [this.stream, this.#end];
    if (!position || !stream || !end) return !position;
    const { epoch, offset } = position;
    return epoch === stream.epoch && stream.offset <= offset && offset <= end.offset;
  }

  /** Let new readers begin that need no answer of the server: now, or where the stream gets to. */
  beginServed() {
    const [stream, end] = [this.stream, this.#end];
    if (!stream || !end) return;
    for (const cursor of this.#listening())
      if (!cursor.isJoined && this.#serves(cursor)) cursor.onAnswer(null, end, stream);
  }

  /**
   * @param {Question | undefined} question undefined: the room was joined again meanwhile
   * @param {Frame} answer
   */
  onAnswer(question, answer) {
    const { epoch, offset, after = offset } = answer;
    const start = answer.recovered && question?.epoch ? question : { epoch, offset: after };
    const stream = /** @type {Position} */ (start);
    this.stream = stream;
    this.#end = { epoch, offset };
    this.isSilent = false;
    for (const cursor of this.#listening()) cursor.onAnswer(question, answer, stream);
  }

  /** @param {Frame} publication */
  onPublication(publication) {
    const { stream } = this;
    const { offset } = publication;
    if (!stream || offset <= stream.offset) return; // a duplicate
    const position = { ...stream, offset };
    this.stream = position;
    if (this.#end && offset > this.#end.offset) this.#end = position;
    for (const cursor of this.#listening()) cursor.take(publication, position);
  }

  /** @param {Frame} frame */
  onPresence(frame) {
    if (!frame.id && !this.presence) return; // the answer with the whole comes later
    this.presence = presenceAfter(this.presence, frame);
    for (const emit of this.watchers) emit("presence", this.presence);
  }

  /** The readers, without those that end meanwhile, and none after a `disconnect()`. */
  *#listening() {
    for (const cursor of [...this.cursors])
      if (this.cursors.has(cursor) && !this.isSilent) yield cursor;
  }
}
