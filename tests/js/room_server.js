/**
 * A server of rooms for one page: logs that can be trimmed or replaced, members with positions, and
 * a line on which frames are under way for a while. It follows docs/protocol.md.
 */

import { WELCOME } from "./browser.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{epoch: string, oldest: number, end: number}} Log `oldest`: the first offset kept, `end` + 1 if none is */
/** @typedef {{epoch: string, offset: number, replayed: number}} Member */

export class RoomServer {
  /** @type {Map<string, Log>} */
  #logs = new Map();
  /** @type {Map<string, Member>} */
  #members = new Map();
  /** @type {Frame[]} under way to the page */
  #line = [];
  /** @type {FakeSocket | null} */
  #socket = null;
  #served = 0;
  #sessions = 0;
  /** @type {Map<string, string>} the epochs that the page knows, by room */
  #known = new Map();
  /** @type {Frame | null} being delivered */
  frame = null;

  /** @param {string[]} rooms */
  constructor(rooms) {
    for (const room of rooms) this.#logs.set(room, { epoch: `${room}0`, oldest: 1, end: 0 });
  }

  /** @param {string} room @returns {Log} */
  log(room) {
    return /** @type {Log} */ (this.#logs.get(room));
  }

  /** @param {string} room */
  publish(room) {
    this.log(room).end += 1;
  }

  /** The log forgets so many of its oldest entries. @param {string} room @param {number} count */
  trim(room, count) {
    const log = this.log(room);
    log.oldest = Math.min(log.oldest + count, log.end + 1);
  }

  /** Another log takes the place of this one. @param {string} room */
  replace(room) {
    const { epoch } = this.log(room);
    this.#logs.set(room, { epoch: `${room}${Number(epoch.slice(1)) + 1}`, oldest: 1, end: 0 });
  }

  /** The answer about a room that is being delivered. @param {string} room @returns {Frame | undefined} */
  answer(room) {
    if (this.frame?.type === "joined" && this.frame.room === room) return this.frame;
    return this.frame?.type === "welcome" ? this.frame.rooms[room] : undefined;
  }

  /** The epoch that the page knows. @param {string} room */
  knownEpoch(room) {
    return this.answer(room)?.epoch ?? this.#known.get(room);
  }

  /** @param {string} room */
  isMember(room) {
    return this.#members.has(room);
  }

  /** Whether the page has no connection to this server. */
  get isAlone() {
    return this.#socket === null || this.#socket.closedWith !== null;
  }

  /** A new connection. @param {FakeSocket} socket */
  accept(socket) {
    this.#socket = socket;
    this.#served = 0;
    this.#members.clear();
    this.#line = [];
    socket.open();
  }

  /** The line breaks, with all that is under way. */
  drop() {
    this.#line = [];
    this.#socket?.drop();
    this.#socket = null;
  }

  /** Serve the next frame of the page. @param {boolean} isAvailable */
  serve(isAvailable = true) {
    const frame = this.#socket?.sent[this.#served];
    if (!frame) return false;
    this.#served += 1;
    const { type, id, room } = frame;
    if (type === "hello") this.#welcome(frame);
    else if (type === "ping") this.#send({ type: "pong", sequence: frame.sequence });
    else if (type === "join" && !isAvailable)
      this.#send({ type: "error", id, room, code: "unavailable" });
    else if (type === "join") this.#send({ type: "joined", id, room, ...this.#join(room, frame) });
    else if (type === "leave") {
      this.#members.delete(room);
      this.#send({ type: "left", id, room });
    }
    return true;
  }

  /** Send one publication, or what became of it, to a member that is behind. @param {string} room */
  deliver(room) {
    const member = this.#members.get(room);
    const { epoch, oldest, end } = this.log(room);
    if (!member) return false;
    if (member.epoch !== epoch) this.#skip(room, "epoch_changed");
    else if (member.offset + 1 < oldest) this.#skip(room, "expired");
    else if (member.offset === end) return false;
    else {
      member.offset += 1;
      const replayed = member.offset <= member.replayed ? { replayed: true } : {};
      this.#send({
        type: "publication",
        room,
        offset: member.offset,
        time: 7,
        data: `${epoch}:${member.offset}`,
        ...replayed,
      });
    }
    return true;
  }

  /** The next frame arrives at the page. */
  arrive() {
    const frame = this.#line.shift();
    if (!frame || !this.#socket) return false;
    this.frame = frame;
    this.#socket.receive(frame);
    for (const room of this.#logs.keys()) this.#known.set(room, this.knownEpoch(room) ?? "");
    this.frame = null;
    return true;
  }

  /** @param {Frame} frame */
  #send(frame) {
    this.#line.push(frame);
  }

  /** @param {Frame} hello */
  #welcome({ rooms, resume }) {
    /** @type {Frame} */
    const entries = {};
    for (const [room, value] of Object.entries(rooms)) {
      const question = value?.rewind ? value : { position: value };
      entries[room] = this.#join(room, question);
    }
    if (!resume) this.#sessions += 1;
    const session = `s${this.#sessions}`;
    this.#send({ ...WELCOME, session, resumed: Boolean(resume), rooms: entries });
  }

  /** @param {string} room @param {Frame} question */
  #join(room, { position, rewind }) {
    const { epoch, oldest, end } = this.log(room);
    const answer = { epoch, offset: end, oldest };
    const reason = position ? lossAfter(position, this.log(room)) : null;
    const after = rewind ? Math.max(oldest - 1, end - rewind) : end;
    const start = position && !reason ? position.offset : after;
    this.#members.set(room, { epoch, offset: start, replayed: rewind ? end : 0 });
    if (rewind) return { ...answer, after };
    if (reason) return { ...answer, recovered: false, reason };
    return position ? { ...answer, recovered: true } : answer;
  }

  /** @param {string} room @param {string} reason */
  #skip(room, reason) {
    const { epoch, oldest, end } = this.log(room);
    this.#members.set(room, { epoch, offset: end, replayed: 0 });
    this.#send({ type: "joined", room, epoch, offset: end, oldest, recovered: false, reason });
  }
}

/** @param {{epoch: string, offset: number}} position @param {Log} log */
function lossAfter({ epoch, offset }, log) {
  if (epoch !== log.epoch) return "epoch_changed";
  if (offset > log.end) return "ahead";
  return offset + 1 < log.oldest ? "expired" : null;
}
