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
  /** Joined on this connection: the stream exists. */
  #isJoined = false;
  /** Of the log that the page knows. */
  #epoch = "";
  /** The stream: the server sends next what follows this offset. */
  #offset = 0;
  /** The newest offset known. */
  #end = 0;
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
   * @param {() => boolean} isUp a welcome has settled the rooms, and the connection has not ended
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
    if (!this.#isJoined) return this.#ask();
    // Later, so that the page can add its listeners, and one request is enough for many readers.
    queueMicrotask(() => {
      if (!this.#isUp() || this.#isOver) return;
      const now = { epoch: this.#epoch, offset: this.#end };
      for (const cursor of this.#listening())
        if (!cursor.isJoined && this.#serves(cursor)) cursor.onAnswer(null, now, this.#offset);
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

  /** A new connection begins. @returns {Question} what its hello asks */
  hello() {
    this.#isJoined = false;
    if (!this.#isWanted) this.presence = null;
    for (const cursor of this.#cursors) cursor.isJoined = false;
    return this.#question();
  }

  /** @param {Frame} entry of the welcome */
  onWelcome(entry) {
    this.#onAnswer(this.#asked, entry);
  }

  /** The welcome has settled what it could. @returns {Request[]} that ask for the rest */
  afterWelcome() {
    this.#asked = undefined;
    this.#isWatched = false;
    return this.#isServed ? [] : [this.#joinRequest()];
  }

  /** @param {Frame} frame that answers no request */
  onFrame(frame) {
    if (!this.#isJoined) return;
    if (frame.type === "presence") return this.#onPresence(frame);
    if (frame.type === "left") return this.#drop(null);
    if (frame.type === "publication") this.#onPublication(frame);
    else if (frame.type === "joined" && !frame.id)
      this.#onAnswer({ epoch: this.#epoch, offset: this.#offset }, frame);
    this.#ask();
  }

  /** The lowest position of the readers, in the log that the page knows. @returns {Position | null} */
  get lowest() {
    const isOther = (/** @type {Position} */ { epoch }) => Number(epoch !== this.#epoch);
    const positions = [...this.#cursors].flatMap(({ position }) => position ?? []);
    positions.sort((one, two) => isOther(one) - isOther(two) || one.offset - two.offset);
    return positions[0] ?? null;
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
    if (!this.#isJoined || this.#isWatched || !this.#isWanted) return;
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

  /** Whether the server does all that it should for the readers. */
  get #isServed() {
    const isServed = (/** @type {RoomCursor} */ one) => !one.rewind && this.#serves(one);
    return this.#isJoined && [...this.#cursors].every(isServed);
  }

  /** Whether the stream gets to the reader's position, if it has one. @param {RoomCursor} cursor */
  #serves({ position }) {
    if (!position) return true;
    const { epoch, offset } = position;
    const isWithin = this.#offset <= offset && offset <= this.#end;
    return this.#isJoined && epoch === this.#epoch && isWithin;
  }

  /** @returns {Question} what to ask the server for, which is asked now */
  #question() {
    const cursors = [...this.#cursors];
    const rewind = Math.max(...cursors.map((cursor) => cursor.rewind));
    const isRewind = rewind > 0 && cursors.every((one) => this.#serves(one));
    this.#asked = isRewind ? { rewind } : this.lowest;
    return this.#asked;
  }

  /** @returns {Request} that asks the server for what the readers lack */
  #joinRequest() {
    const question = this.#question();
    const start = question?.rewind ? question : { position: question };
    return {
      frame: { type: "join", room: this.name, ...start },
      settle: (answer) => this.#isOver || this.#onJoined(answer),
    };
  }

  #ask() {
    if (this.#isUp() && !this.#isOver && this.#asked === undefined && !this.#isServed)
      this.#requests.addIfUp(this.#joinRequest());
  }

  /** @param {Frame} answer to a join */
  #onJoined(answer) {
    const asked = this.#asked;
    this.#asked = undefined;
    if (answer.code) return this.#drop(answer.code, this.#isJoined);
    this.#onAnswer(asked, answer);
    this.#ask();
    this.askPresence();
  }

  /**
   * @param {Question | undefined} question undefined: the room was joined again meanwhile
   * @param {Frame} answer
   */
  #onAnswer(question, answer) {
    const { epoch, offset, after = offset, recovered } = answer;
    this.#isJoined = true;
    this.#isSilent = false;
    this.#epoch = epoch;
    this.#offset = recovered ? (question?.offset ?? after) : after;
    this.#end = offset;
    for (const cursor of this.#listening()) cursor.onAnswer(question, answer, this.#offset);
  }

  /** @param {Frame} publication */
  #onPublication(publication) {
    const { offset } = publication;
    if (offset <= this.#offset) return; // a duplicate
    this.#offset = offset;
    this.#end = Math.max(this.#end, offset);
    for (const cursor of this.#listening()) cursor.take(publication, this.#epoch);
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
    if (!this.#isOver) this.#drop(null, true);
  }

  /** @param {string | null} code of the `left` events @param {boolean} [isMember] the server has the client in the room */
  #drop(code, isMember) {
    this.#isOver = true; // first: listeners to the frame may open the room anew
    this.#linger.clear();
    this.#onEnd();
    if (isMember) this.#requests.addIfUp(leaveRequest(this.name));
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
