/** The rooms of the page: joins them at the server for their readers, and leaves them after the last one. */

import { toPosition } from "./position.js";
import { RoomCursor } from "./room_cursor.js";
import { RoomHandle } from "./room_handle.js";
import { RoomMembership } from "./room_membership.js";
import { Timer } from "./timer.js";

/** @typedef {import("./events.js").Emit} Emit */
/** @typedef {import("./request_queue.js").RequestQueue} RequestQueue */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {import("./room_cursor.js").Question} Question */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/** @typedef {import("./room_handle.js").RoomEmit} RoomEmit */
/** @typedef {Record<string, any>} Frame */

const MAX_LEFT = 1000;
const MAX_IN_HELLO = 1000; // the client joins the others one by one
const LINGER_MS = 1000; // a component that is mounted again within this time costs no request

export class Rooms {
  #requests;
  #isUp;
  #environment;
  #emit;
  /** @type {Map<string, RoomMembership>} */
  #memberships = new Map();
  /** @type {Set<string>} rooms that the page's `join` has lost since it began, the newest last */
  #left = new Set();
  /** @type {Record<string, unknown> | null} positions of the page before, by room; null: not loaded yet */
  #last = null;
  /** They are of another session. */
  #isLastLost = false;

  /**
   * @param {RequestQueue} requests
   * @param {() => boolean} isUp welcomed, and not ended
   * @param {import("./browser_environment.js").Environment} environment
   * @param {Emit} emit
   */
  constructor(requests, isUp, environment, emit) {
    this.#requests = requests;
    this.#isUp = isUp;
    this.#environment = environment;
    this.#emit = emit;
  }

  /**
   * A new reader of a room, until its `close()`. Throws TypeError for wrong options.
   * @param {string} room
   * @param {RoomOptions} options
   * @param {(data: unknown) => Promise<any>} send
   * @returns {RoomHandle<any>}
   */
  open(room, options, send) {
    return new RoomHandle(room, send, (emit) => {
      const cursor = new RoomCursor(options, emit);
      const membership = this.#add(room, cursor);
      this.#beginAtLast([membership]);
      this.#begin(membership);
      return {
        cursor,
        membership,
        watch: () => this.#watch(membership, emit),
        close: () => this.#close(membership, cursor, emit),
      };
    });
  }

  /** Join now and after each reconnect; does nothing if joined already. @param {string} room */
  join(room) {
    const membership = this.#addPage(room);
    if (membership) this.#begin(membership);
  }

  /** Leave with a `left` event; handles of the room go on. @param {string} room */
  leave(room) {
    const membership = this.#memberships.get(room);
    const cursor = membership?.page;
    if (!membership || !cursor) return;
    this.#rememberLeft(membership);
    membership.page = null;
    membership.cursors.delete(cursor);
    if (membership.cursors.size === 0) this.#leave(membership);
    cursor.leave("left");
  }

  /** Announce that nothing comes until the next connection, which continues at the positions. */
  pause() {
    for (const membership of [...this.#memberships.values()]) {
      if (membership.isSilent) continue;
      membership.isSilent = true;
      for (const cursor of [...membership.cursors]) cursor.leave("disconnected");
    }
  }

  /** Positions of the rooms for the next page of this tab. */
  positions() {
    const begun = [...this.#memberships.values()].filter(({ lowest }) => lowest);
    return Object.fromEntries(begun.map(({ room, lowest }) => [room, lowest]));
  }

  /** @param {Record<string, unknown>} positions of the page before; only the first ones count */
  onLoad(positions) {
    this.#last ??= positions;
  }

  /** The `rooms` field of a hello: where the server shall begin in each. */
  hello() {
    this.#beginAtLast();
    const memberships = [...this.#memberships.values()];
    for (const membership of memberships) membership.reset();
    const named = memberships.slice(0, MAX_IN_HELLO);
    for (const membership of named) membership.hello = membership.question;
    return Object.fromEntries(named.map(({ room, hello }) => [room, hello]));
  }

  /**
   * @param {Frame} welcome
   * @returns {Request[]} joins and leaves that the welcome did not settle
   */
  onWelcome({ rooms, resumed }) {
    this.#isLastLost ||= !resumed;
    this.#beginAtLast();
    for (const [room, entry] of Object.entries(rooms)) {
      if (isPrivate(room)) this.#addPage(room);
      const membership = this.#memberships.get(room);
      membership?.onAnswer(membership.hello, entry);
    }
    // Left since the hello, or by a listener just now.
    const isUnwanted = (/** @type {string} */ room) =>
      !isPrivate(room) && !this.#memberships.has(room);
    const unwanted = Object.keys(rooms).filter(isUnwanted);
    // Refused, or joined since the hello: the answer to a join request gives the reason.
    const memberships = [...this.#memberships.values()];
    for (const membership of memberships) membership.forgetRequests(); // the queue begins anew
    const wanted = memberships.filter(({ isServed }) => !isServed);
    return [...unwanted.map(leaveRequest), ...wanted.map((one) => this.#joinRequest(one))];
  }

  /** @param {Frame} frame that answers no request */
  onFrame(frame) {
    const membership = this.#memberships.get(frame.room);
    if (!membership?.stream) return;
    if (frame.type === "presence") return membership.onPresence(frame);
    if (frame.type === "left") return this.#drop(membership, null);
    if (frame.type === "publication") membership.onPublication(frame);
    else if (frame.type === "joined" && !frame.id) membership.onAnswer(membership.stream, frame);
    this.#ask(membership);
  }

  /** Ask for the users in the rooms, after what is queued. */
  askPresence() {
    for (const membership of this.#memberships.values()) this.#askPresence(membership);
  }

  /** @param {string} room @param {RoomCursor} cursor */
  #add(room, cursor) {
    const membership =
      this.#memberships.get(room) ?? new RoomMembership(room, new Timer(this.#environment));
    this.#memberships.set(room, membership);
    membership.cursors.add(cursor);
    membership.linger.clear();
    return membership;
  }

  /** Add the reader behind `join`, whose events are the client's, if there is none. @param {string} room */
  #addPage(room) {
    if (this.#memberships.get(room)?.page) return null;
    const cursor = new RoomCursor({}, (type, { initial, replayed, ...detail }) =>
      this.#emit(type, { room, ...detail }),
    );
    if (this.#left.delete(room)) cursor.lost = "left";
    const membership = this.#add(room, cursor);
    membership.page = cursor;
    return membership;
  }

  /** Ask for the publications of a new reader. @param {RoomMembership} membership */
  #begin(membership) {
    if (!membership.stream || !this.#isUp()) return this.#ask(membership);
    // Later, so that the page can add its listeners, and one request is enough for many readers.
    queueMicrotask(() => {
      if (!this.#isUp() || !this.#isCurrent(membership)) return;
      membership.beginServed();
      this.#ask(membership);
    });
  }

  /**
   * Readers begin where the page before has ended; without its session its positions are of no use.
   * @param {Iterable<RoomMembership>} [memberships]
   */
  #beginAtLast(memberships = this.#memberships.values()) {
    const last = this.#last;
    if (!last) return;
    for (const { room, cursors } of memberships) {
      const saved = toPosition(last[room]);
      for (const cursor of cursors) cursor.beginAtLast(saved && this.#isLastLost ? "" : saved);
    }
  }

  /** Ask the server for what the readers lack. @param {RoomMembership} membership */
  #ask(membership) {
    if (this.#isCurrent(membership) && membership.asked === undefined && !membership.isServed)
      this.#requests.addIfUp(this.#joinRequest(membership));
  }

  /**
   * @param {RoomMembership} membership
   * @returns {Request}
   */
  #joinRequest(membership) {
    const { room, question } = membership;
    membership.asked = question;
    const start = question?.rewind ? question : { position: question };
    return {
      frame: { type: "join", room, ...start },
      settle: (answer) => this.#onAnswer(membership, answer),
    };
  }

  /**
   * @param {RoomMembership} membership
   * @param {Frame} answer
   */
  #onAnswer(membership, answer) {
    if (!this.#isCurrent(membership)) return; // left meanwhile
    const { asked, room, stream } = membership;
    membership.asked = undefined;
    if (answer.code) {
      if (stream) this.#requests.addIfUp(leaveRequest(room));
      return this.#drop(membership, answer.code);
    }
    membership.onAnswer(asked, answer);
    this.#ask(membership);
    this.#askPresence(membership);
  }

  /**
   * The reader wants to know the users in the room: those that are known, then all changes.
   * @param {RoomMembership} membership
   * @param {RoomEmit} emit
   */
  #watch(membership, emit) {
    const { watchers, presence } = membership;
    if (watchers.has(emit)) return;
    watchers.add(emit);
    if (presence) queueMicrotask(() => emit("presence", { ...presence, joined: [], left: [] }));
    this.#askPresence(membership);
  }

  /** @param {RoomMembership} membership */
  #askPresence(membership) {
    const { room, stream, watchers, isWatched } = membership;
    if (!stream || !watchers.size || isWatched) return;
    membership.isWatched = true;
    this.#requests.addIfUp({
      frame: { type: "presence", room },
      settle: (answer) => answer.code || membership.onPresence(answer),
    });
  }

  /**
   * @param {RoomMembership} membership
   * @param {RoomCursor} cursor
   * @param {RoomEmit} emit
   */
  #close(membership, cursor, emit) {
    membership.watchers.delete(emit);
    membership.cursors.delete(cursor);
    if (membership.cursors.size === 0)
      membership.linger.set(LINGER_MS, () => this.#leave(membership));
  }

  /** @param {RoomMembership} membership without readers */
  #leave(membership) {
    if (!this.#forget(membership)) return;
    this.#requests.addIfUp(leaveRequest(membership.room));
  }

  /**
   * @param {RoomMembership} membership
   * @param {string | null} code of the `left` events
   */
  #drop(membership, code) {
    if (!this.#forget(membership)) return;
    if (membership.page) this.#rememberLeft(membership);
    for (const cursor of membership.cursors) cursor.leave(code);
  }

  /** @param {RoomMembership} membership @returns {boolean} whether it was current */
  #forget(membership) {
    membership.linger.clear();
    return this.#isCurrent(membership) && this.#memberships.delete(membership.room);
  }

  /** @param {RoomMembership} membership that may have been left, and joined anew, meanwhile */
  #isCurrent(membership) {
    return this.#memberships.get(membership.room) === membership;
  }

  /** The next `join` of this room has a gap, if this one has begun. @param {RoomMembership} membership */
  #rememberLeft({ room, page }) {
    if (!page?.position && !page?.lost) return;
    this.#left.add(room);
    const [oldest] = this.#left;
    if (oldest !== undefined && this.#left.size > MAX_LEFT) this.#left.delete(oldest);
  }
}

/**
 * Whether it is the user's own room, which the server joins unasked. It lets no client into that
 * of another user.
 *
 * @param {string} room
 */
function isPrivate(room) {
  return room.startsWith("user:");
}

/**
 * @param {string} room
 * @returns {Request}
 */
function leaveRequest(room) {
  return { frame: { type: "leave", room } };
}
