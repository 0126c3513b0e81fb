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
import { Timer } from "./timer.js";

/** @typedef {import("./position.js").Position} Position */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {import("./room_cursor.js").RoomCursor} RoomCursor */
/** @typedef {import("./room_cursor.js").Question} Question */
/** @typedef {Record<string, any>} Frame */

const LINGER_MS = 1000; // a component that is mounted again within this time costs no request

export class Room {
  #requests;
  #isUp;
  #onEnd;
  /** Runs while there is no reader. */
  #linger;
  /** @type {Set<RoomCursor>} */
  #cursors = new Set();
  /** @type {Question | undefined} of a hello or join without an answer; undefined: there is none */
  #asked;
  /** The application knows, by `left`, that nothing comes for now. */
  #isSilent = false;
  /** @type {Position | null} after which the server sends next; null: not joined on this connection */
  #stream = null;
  /** @type {Position | null} the newest publication known */
  #end = null;
  /** The server was asked for the users on this connection. */
  #isWatched = false;
  /** Left or lost: the next reader gets a new object. */
  #isOver = false;
  /** @type {RoomCursor | null} of the page's `join` */
  page = null;
  /** @type {import("./presence.js").Presence | null} null: not known */
  presence = null;

  /**
   * @param {string} name
   * @param {import("./request_queue.js").RequestQueue} requests
   * @param {() => boolean} isUp welcomed, and not ended
   * @param {import("./browser_environment.js").Environment} environment
   * @param {() => void} onEnd called when the room is over
   */
  constructor(name, requests, isUp, environment, onEnd) {
    this.name = name;
    this.#requests = requests;
    this.#isUp = isUp;
    this.#onEnd = onEnd;
    this.#linger = new Timer(environment);
  }

  /** @param {RoomCursor} cursor of a new reader */
  add(cursor) {
    this.#cursors.add(cursor);
    this.#linger.clear();
  }

  /** Ask for the publications of a new reader. */
  begin() {
    if (!this.#stream || !this.#isUp()) return this.#ask();
    // Later, so that the page can add its listeners, and one request is enough for many readers.
    queueMicrotask(() => {
      const [stream, end] = [this.#stream, this.#end];
      if (!this.#isUp() || this.#isOver || !stream || !end) return;
      for (const cursor of this.#listening())
        if (!cursor.isJoined && this.#serves(cursor)) cursor.onAnswer(null, end, stream);
      this.#ask();
    });
  }

  /**
   * Readers that the options tell so begin where the page before has ended.
   * @param {unknown} saved its position; "": that counts no more
   */
  beginAtLast(saved) {
    for (const cursor of this.#cursors) cursor.beginAtLast(saved);
  }

  /** @param {RoomCursor} cursor of a reader that ends @param {boolean} [isFinal] leave at once after the last one */
  close(cursor, isFinal) {
    this.#cursors.delete(cursor);
    if (this.#cursors.size > 0) return;
    if (isFinal) this.#leave();
    else this.#linger.set(LINGER_MS, () => this.#leave());
  }

  /** Announce that nothing comes until the next connection, which continues at the positions. */
  pause() {
    if (this.#isSilent) return;
    this.#isSilent = true;
    for (const cursor of [...this.#cursors]) cursor.emit("left", { code: "disconnected" });
  }

  /** A new connection begins. */
  reset() {
    this.#stream = null;
    this.forgetRequests();
    if (!this.#isWanted) this.presence = null;
    for (const cursor of this.#cursors) cursor.isJoined = false;
  }

  /** The queue has dropped its requests. */
  forgetRequests() {
    this.#asked = undefined;
    this.#isWatched = false;
  }

  /** @returns {Question} what the hello asks */
  hello() {
    this.#asked = this.#question;
    return this.#asked;
  }

  /** @param {Frame} entry of the welcome */
  onWelcome(entry) {
    this.#onAnswer(this.#asked, entry);
  }

  /** @param {Frame} frame that answers no request */
  onFrame(frame) {
    if (!this.#stream) return;
    if (frame.type === "presence") return this.#onPresence(frame);
    if (frame.type === "left") return this.#drop(null);
    if (frame.type === "publication") this.#onPublication(frame, this.#stream);
    else if (frame.type === "joined" && !frame.id) this.#onAnswer(this.#stream, frame);
    this.#ask();
  }

  /** The lowest position of the readers, in the log that the page knows. @returns {Position | null} */
  get lowest() {
    const isOther = (/** @type {Position} */ { epoch }) => Number(epoch !== this.#end?.epoch);
    const positions = [...this.#cursors].flatMap(({ position }) => position ?? []);
    positions.sort((one, two) => isOther(one) - isOther(two) || one.offset - two.offset);
    return positions[0] ?? null;
  }

  /** Whether the server does all that it should for the readers. */
  get isServed() {
    return this.#stream && [...this.#cursors].every((one) => !one.rewind && this.#serves(one));
  }

  /** @returns {Request} that asks the server for what the readers lack */
  joinRequest() {
    const question = this.hello();
    const start = question?.rewind ? question : { position: question };
    return {
      frame: { type: "join", room: this.name, ...start },
      settle: (answer) => this.#isOver || this.#onJoined(answer),
    };
  }

  /**
   * The reader wants to know the users in the room: those that are known, then all changes.
   * @param {RoomCursor} cursor
   */
  watch(cursor) {
    if (cursor.isWatching) return;
    cursor.isWatching = true;
    const known = this.presence && { ...this.presence, joined: [], left: [] };
    if (known) queueMicrotask(() => cursor.emit("presence", known));
    this.askPresence();
  }

  /** Ask for the users in the room, after what is queued. */
  askPresence() {
    if (!this.#stream || this.#isWatched || !this.#isWanted) return;
    this.#isWatched = true;
    this.#requests.addIfUp({
      frame: { type: "presence", room: this.name },
      settle: (answer) => answer.code || this.#onPresence(answer),
    });
  }

  /** Whether a reader wants to know the users. */
  get #isWanted() {
    return [...this.#cursors].some(({ isWatching }) => isWatching);
  }

  /** @returns {Question} what to ask the server for */
  get #question() {
    const cursors = [...this.#cursors];
    const rewind = Math.max(...cursors.map((cursor) => cursor.rewind));
    return rewind > 0 && cursors.every((one) => this.#serves(one)) ? { rewind } : this.lowest;
  }

  /** Whether the stream gets to the reader's position, if it has one. @param {RoomCursor} cursor */
  #serves({ position }) {
    const [stream, end] = [this.#stream, this.#end];
    if (!position || !stream || !end) return !position;
    const { epoch, offset } = position;
    return epoch === stream.epoch && stream.offset <= offset && offset <= end.offset;
  }

  #ask() {
    if (this.#isUp() && !this.#isOver && this.#asked === undefined && !this.isServed)
      this.#requests.addIfUp(this.joinRequest());
  }

  /** @param {Frame} answer to a join */
  #onJoined(answer) {
    const asked = this.#asked;
    this.#asked = undefined;
    if (answer.code) {
      if (this.#stream) this.#requests.addIfUp(leaveRequest(this.name));
      return this.#drop(answer.code);
    }
    this.#onAnswer(asked, answer);
    this.#ask();
    this.askPresence();
  }

  /**
   * @param {Question | undefined} question undefined: the room was joined again meanwhile
   * @param {Frame} answer
   */
  #onAnswer(question, answer) {
    const { epoch, offset, after = offset } = answer;
    const start = answer.recovered && question?.epoch ? question : { epoch, offset: after };
    const stream = /** @type {Position} */ (start);
    this.#stream = stream;
    this.#end = { epoch, offset };
    this.#isSilent = false;
    for (const cursor of this.#listening()) cursor.onAnswer(question, answer, stream);
  }

  /** @param {Frame} publication @param {Position} stream */
  #onPublication(publication, stream) {
    const { offset } = publication;
    if (offset <= stream.offset) return; // a duplicate
    const position = { ...stream, offset };
    this.#stream = position;
    if (this.#end && offset > this.#end.offset) this.#end = position;
    for (const cursor of this.#listening()) cursor.take(publication, position);
  }

  /** @param {Frame} frame */
  #onPresence(frame) {
    if (!frame.id && !this.presence) return; // the answer with the whole comes later
    this.presence = presenceAfter(this.presence, frame);
    for (const cursor of this.#cursors)
      if (cursor.isWatching) cursor.emit("presence", this.presence);
  }

  /** The readers, without those that end meanwhile, and none after a `disconnect()`. */
  *#listening() {
    for (const cursor of [...this.#cursors])
      if (this.#cursors.has(cursor) && !this.#isSilent) yield cursor;
  }

  /** Leave the room at the server. */
  #leave() {
    if (this.#isOver) return;
    this.#drop(null);
    this.#requests.addIfUp(leaveRequest(this.name));
  }

  /** @param {string | null} code of the `left` events */
  #drop(code) {
    this.#isOver = true;
    this.#linger.clear();
    this.#onEnd();
    for (const cursor of this.#cursors) cursor.emit("left", { code });
  }
}

/**
 * @param {string} room
 * @returns {Request}
 */
export function leaveRequest(room) {
  return { frame: { type: "leave", room } };
}
