/** The rooms that the application has joined, and the client's position in each. */

/** @typedef {import("./events.js").Emit} Emit */
/** @typedef {import("./request_queue.js").RequestQueue} RequestQueue */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{epoch: string, offset: number}} Position of the newest publication received */

/**
 * @typedef {object} Membership
 * @property {string} room
 * @property {boolean} joined confirmed on this connection
 * @property {Position | null} position null: from the end of the log on
 * @property {boolean} gap publications since the room was left are missing
 * @property {boolean} silent the application knows, by `left`, that nothing comes for now
 */

const MAX_LEFT = 1000;
const MAX_IN_HELLO = 1000; // the client joins the others one by one

export class Rooms {
  #requests;
  #emit;
  /** @type {Map<string, Membership>} */
  #memberships = new Map();
  /** @type {Set<string>} rooms that were left after a join succeeded, the newest last */
  #left = new Set();

  /**
   * @param {RequestQueue} requests
   * @param {Emit} emit
   */
  constructor(requests, emit) {
    this.#requests = requests;
    this.#emit = emit;
  }

  /** Join now and after each reconnect; does nothing if joined already. @param {string} room */
  join(room) {
    if (this.#memberships.has(room)) return;
    this.#requests.addIfUp(this.#joinRequest(this.#membership(room)));
  }

  /** Leave for the whole page, with a `left` event. @param {string} room */
  leave(room) {
    const membership = this.#memberships.get(room);
    if (!membership) return;
    this.#requests.addIfUp(leaveRequest(room));
    this.#drop(membership, "left");
  }

  /** Announce that nothing comes until the next connection, which continues at the positions. */
  pause() {
    for (const membership of [...this.#memberships.values()]) {
      if (membership.silent) continue;
      membership.silent = true;
      this.#emit("left", { room: membership.room, code: "disconnected" });
    }
  }

  /** The `rooms` field of a hello: room → position. */
  hello() {
    const memberships = [...this.#memberships.values()];
    for (const membership of memberships) membership.joined = false;
    const named = memberships.slice(0, MAX_IN_HELLO);
    return Object.fromEntries(named.map(({ room, position }) => [room, position]));
  }

  /**
   * @param {Frame} welcome
   * @returns {Request[]} joins and leaves that the welcome did not settle
   */
  onWelcome({ rooms }) {
    for (const [room, entry] of Object.entries(rooms)) {
      const membership = isPrivate(room) ? this.#membership(room) : this.#memberships.get(room);
      // A position that the hello did not name (MAX_IN_HELLO) goes with a join request.
      if (membership && (!membership.position || "recovered" in entry))
        this.#onJoined(membership, entry);
    }
    // Left since the hello, or by a listener just now.
    const isUnwanted = (/** @type {string} */ room) =>
      !isPrivate(room) && !this.#memberships.has(room);
    const unwanted = Object.keys(rooms).filter(isUnwanted);
    // Refused, or joined since the hello: the answer to a join request gives the reason.
    const wanted = [...this.#memberships.values()].filter(({ joined }) => !joined);
    return [...unwanted.map(leaveRequest), ...wanted.map((one) => this.#joinRequest(one))];
  }

  /** @param {Frame} frame that answers no request */
  onFrame(frame) {
    const membership = this.#memberships.get(frame.room);
    if (!membership?.joined) return;
    if (frame.type === "publication") this.#onPublication(membership, frame);
    else if (frame.type === "joined") this.#onJoined(membership, frame);
    else if (frame.type === "left") this.#drop(membership, null);
  }

  /**
   * The membership of a room, made if there is none.
   * @param {string} room
   * @returns {Membership}
   */
  #membership(room) {
    const known = this.#memberships.get(room);
    if (known) return known;
    const gap = this.#left.delete(room);
    const membership = { room, joined: false, position: null, gap, silent: false };
    this.#memberships.set(room, membership);
    return membership;
  }

  /**
   * @param {Membership} membership
   * @returns {Request}
   */
  #joinRequest(membership) {
    const { room, position } = membership;
    return {
      frame: { type: "join", room, position },
      settle: (answer) => {
        if (answer.code) this.#drop(membership, answer.code);
        else this.#onJoined(membership, answer);
      },
    };
  }

  /**
   * Keeps the position if the server sends all publications after it.
   * @param {Membership} membership
   * @param {any} entry of the welcome, or a `joined` frame
   */
  #onJoined(membership, entry) {
    const { room, gap } = membership;
    if (this.#memberships.get(room) !== membership) return; // left meanwhile
    const { epoch, offset, reason = "left" } = entry;
    // After a leave and a join since the hello, publications follow from the end of the log on.
    const recovered = gap ? false : (entry.recovered ?? null);
    membership.joined = true;
    membership.gap = membership.silent = false;
    if (!recovered || !membership.position) membership.position = { epoch, offset };
    this.#emit("joined", { room, offset, recovered });
    if (recovered === false) this.#emit("resync", { room, reason });
  }

  /**
   * @param {Membership} membership
   * @param {string | null} code of the `left` event
   */
  #drop(membership, code) {
    const { room } = membership;
    if (this.#memberships.get(room) !== membership) return;
    this.#memberships.delete(room);
    if (membership.position || membership.gap) this.#rememberLeft(room);
    this.#emit("left", { room, code });
  }

  /** The next join of this room has a gap. @param {string} room */
  #rememberLeft(room) {
    this.#left.add(room);
    const [oldest] = this.#left;
    if (oldest !== undefined && this.#left.size > MAX_LEFT) this.#left.delete(oldest);
  }

  /**
   * @param {Membership} membership
   * @param {any} publication
   */
  #onPublication(membership, { room, offset, time, data }) {
    const { position } = membership;
    if (!position || offset <= position.offset) return; // a duplicate
    if (offset > position.offset + 1) {
      membership.joined = false; // the server never skips: join again to recover
      return this.#requests.addIfUp(this.#joinRequest(membership));
    }
    membership.position = { ...position, offset };
    this.#emit("message", { room, data, offset, time });
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
