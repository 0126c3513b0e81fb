/** The rooms of the page: joins them at the server for their readers, and leaves them after the last one. */

import { toPosition } from "./position.js";
import { leaveRequest, Room } from "./room.js";
import { RoomCursor } from "./room_cursor.js";
import { RoomHandle } from "./room_handle.js";

/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/** @typedef {Record<string, any>} Frame */

const MAX_LEFT = 1000;
const MAX_IN_HELLO = 1000; // the client joins the others one by one

export class Rooms {
  #requests;
  #isUp;
  #environment;
  #emit;
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** @type {Set<string>} rooms that the page's `join` has lost since it began, the newest last */
  #left = new Set();
  /** @type {Record<string, unknown> | null} positions of the page before, by room; null: not loaded yet */
  #last = null;
  /** They are of another session. */
  #isLastLost = false;

  /**
   * @param {import("./request_queue.js").RequestQueue} requests
   * @param {() => boolean} isUp a welcome has settled the rooms, and the connection has not ended
   * @param {import("./browser_environment.js").Environment} environment
   * @param {import("./events.js").Emit} emit
   */
  constructor(requests, isUp, environment, emit) {
    this.#requests = requests;
    this.#isUp = isUp;
    this.#environment = environment;
    this.#emit = emit;
  }

  /**
   * A new reader of a room, until its `close()`. Throws TypeError for wrong options.
   * @param {string} name
   * @param {RoomOptions} options
   * @param {(data: unknown) => Promise<any>} send
   * @returns {RoomHandle<any>}
   */
  open(name, options, send) {
    return new RoomHandle(name, options, send, (cursor) => {
      const room = this.#add(name, cursor);
      this.#beginAtLast();
      room.begin();
      return room;
    });
  }

  /** Join now and after each reconnect; does nothing if joined already. @param {string} name */
  join(name) {
    this.#addPage(name)?.begin();
  }

  /** Leave with a `left` event; handles of the room go on. @param {string} name */
  leave(name) {
    const room = this.#rooms.get(name);
    const cursor = room?.page;
    if (!cursor) return;
    this.#rememberLeft(room);
    room.page = null;
    room.close(cursor, true);
    cursor.emit("left", { code: "left" });
  }

  /** Announce that nothing comes until the next connection, which continues at the positions. */
  pause() {
    for (const room of this.#all) room.pause();
  }

  /** Positions of the rooms for the next page of this tab. */
  positions() {
    const begun = this.#all.filter(({ lowest }) => lowest);
    return Object.fromEntries(begun.map(({ name, lowest }) => [name, lowest]));
  }

  /** @param {Record<string, unknown>} positions of the page before; only the first ones count */
  onLoad(positions) {
    this.#last ??= positions;
  }

  /** The `rooms` field of a hello: where the server shall begin in each. */
  hello() {
    this.#beginAtLast();
    const rooms = this.#all.map((room) => [room.name, room.hello()]);
    return Object.fromEntries(rooms.slice(0, MAX_IN_HELLO));
  }

  /**
   * @param {Frame} welcome
   * @returns {Request[]} joins and leaves that the welcome did not settle
   */
  onWelcome({ rooms, resumed }) {
    this.#isLastLost ||= !resumed;
    this.#beginAtLast();
    for (const [name, entry] of Object.entries(rooms)) {
      // The user's own room, which the server joins unasked. It lets no client into that of another user.
      if (name.startsWith("user:")) this.#addPage(name);
      this.#rooms.get(name)?.onWelcome(entry);
    }
    // Left since the hello, or by a listener just now.
    const unwanted = Object.keys(rooms).filter((name) => !this.#rooms.has(name));
    // Refused, or joined since the hello: the answer to a join request gives the reason.
    const requests = this.#all.flatMap((room) => room.afterWelcome());
    return [...unwanted.map(leaveRequest), ...requests];
  }

  /** @param {Frame} frame that answers no request */
  onFrame(frame) {
    this.#rooms.get(frame.room)?.onFrame(frame);
  }

  /** Ask for the users in the rooms, after what is queued. */
  askPresence() {
    for (const room of this.#all) room.askPresence();
  }

  get #all() {
    return [...this.#rooms.values()];
  }

  /** @param {string} name @param {RoomCursor} cursor */
  #add(name, cursor) {
    const onEnd = () => {
      this.#rooms.delete(name);
      this.#rememberLeft(room);
    };
    const room =
      this.#rooms.get(name) ?? new Room(name, this.#requests, this.#isUp, this.#environment, onEnd);
    this.#rooms.set(name, room);
    room.add(cursor);
    return room;
  }

  /** Add the reader behind `join`, whose events are the client's, if there is none. @param {string} name */
  #addPage(name) {
    if (this.#rooms.get(name)?.page) return null;
    const cursor = new RoomCursor({}, (type, { initial, replayed, ...detail }) =>
      this.#emit(/** @type {"joined"} */ (type), { room: name, ...detail }),
    );
    if (this.#left.delete(name)) cursor.lost = "left";
    const room = this.#add(name, cursor);
    room.page = cursor;
    return room;
  }

  /** The next `join` of this room has a gap, if this one has begun. @param {Room} room */
  #rememberLeft({ name, page }) {
    if (!page?.position && !page?.lost) return;
    this.#left.add(name);
    const [oldest = ""] = this.#left;
    if (this.#left.size > MAX_LEFT) this.#left.delete(oldest);
  }

  /** Readers begin where the page before has ended; without its session its positions are of no use. */
  #beginAtLast() {
    const last = this.#last;
    if (!last) return;
    for (const room of this.#all) {
      const saved = toPosition(last[room.name]);
      room.beginAtLast(saved && this.#isLastLost ? "" : saved);
    }
  }
}
