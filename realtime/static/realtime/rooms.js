/** The rooms that the application wants to be in, and how far it has got in each. */

/** @typedef {import("./events.js").Emit} Emit */
/** @typedef {import("./request_queue.js").RequestQueue} RequestQueue */
/** @typedef {import("./request_queue.js").Request} Request */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{epoch: string, offset: number}} Position */

/**
 * @typedef {object} Place
 * @property {string} room
 * @property {boolean} joined as the server of this connection has said
 * @property {Position | null} position null: from now on
 * @property {boolean} gap what was published since the room was left is missing
 * @property {boolean} silent listeners know that nothing comes for now
 */

const MOST_LEFT = 1000;
const MOST_NAMED = 1000; // by a hello; the others are asked for one by one

export class Rooms {
  #requests;
  #emit;
  /** @type {Map<string, Place>} */
  #places = new Map();
  /** @type {Set<string>} rooms that were left after having been in them, the newest last */
  #left = new Set();

  /**
   * @param {RequestQueue} requests
   * @param {Emit} emit
   */
  constructor(requests, emit) {
    this.#requests = requests;
    this.#emit = emit;
  }

  /** @param {string} room */
  join(room) {
    if (!this.#places.has(room)) this.#requests.wish(this.#joining(this.#place(room)));
  }

  /**
   * For the whole page: who else listens is told.
   * @param {string} room
   */
  leave(room) {
    const place = this.#places.get(room);
    if (!place) return;
    this.#requests.wish(leaving(room));
    this.#lost(place, "left");
  }

  /** Nothing comes until the next connection, which goes on where this one was. */
  pause() {
    for (const place of [...this.#places.values()]) {
      if (place.silent) continue;
      place.silent = true;
      this.#emit("left", { room: place.room, code: "disconnected" });
    }
  }

  /** The whole truth for a new connection: how far the client has got in each of its rooms. */
  hello() {
    const places = [...this.#places.values()];
    for (const place of places) place.joined = false;
    const named = places.slice(0, MOST_NAMED);
    return Object.fromEntries(named.map(({ room, position }) => [room, position]));
  }

  /**
   * @param {Frame} welcome
   * @returns {Request[]} what it leaves to be asked for
   */
  welcomed({ user, rooms }) {
    const own = `user:${user}`; // comes unasked
    for (const [room, entry] of Object.entries(rooms)) {
      const place = room === own ? this.#place(room) : this.#places.get(room);
      // The own room may be one too many for the hello: a join tells how far the client has got.
      if (place && (!place.position || "recovered" in entry)) this.#entered(place, entry);
    }
    // Left since the hello, or by a listener just now.
    const unwanted = Object.keys(rooms).filter((room) => room !== own && !this.#places.has(room));
    // Refused, or wanted since the hello: the answer to a request of its own says why.
    const wanted = [...this.#places.values()].filter(({ joined }) => !joined);
    return [...unwanted.map(leaving), ...wanted.map((place) => this.#joining(place))];
  }

  /** @param {Frame} frame what nobody has asked for */
  told(frame) {
    const place = this.#places.get(frame.room);
    if (!place?.joined) return;
    if (frame.type === "publication") this.#published(place, frame);
    else if (frame.type === "joined") this.#entered(place, frame);
    else if (frame.type === "left") this.#lost(place, null);
  }

  /**
   * @param {string} room
   * @returns {Place}
   */
  #place(room) {
    const known = this.#places.get(room);
    if (known) return known;
    const gap = this.#left.delete(room);
    const place = { room, joined: false, position: null, gap, silent: false };
    this.#places.set(room, place);
    return place;
  }

  /**
   * @param {Place} place
   * @returns {Request}
   */
  #joining(place) {
    const { room, position } = place;
    return {
      frame: { type: "join", room, position },
      settle: (answer) => {
        if (answer.code) this.#lost(place, answer.code);
        else this.#entered(place, answer);
      },
    };
  }

  /**
   * A position stays as it is if all that comes after it will follow.
   * @param {Place} place
   * @param {any} entry
   */
  #entered(place, entry) {
    const { room, gap } = place;
    if (this.#places.get(room) !== place) return; // left since
    const { epoch, offset, reason = "left" } = entry;
    // Left and joined again since the hello: what follows is told from the end of the log on.
    const recovered = gap ? false : (entry.recovered ?? null);
    place.joined = true;
    place.gap = place.silent = false;
    if (!recovered || !place.position) place.position = { epoch, offset };
    this.#emit("joined", { room, offset, recovered });
    if (recovered === false) this.#emit("resync", { room, reason });
  }

  /**
   * @param {Place} place
   * @param {string | null} code
   */
  #lost(place, code) {
    const { room } = place;
    if (this.#places.get(room) !== place) return;
    this.#places.delete(room);
    if (place.position || place.gap) this.#remember(room);
    this.#emit("left", { room, code });
  }

  /** @param {string} room was left: who joins it again has missed something */
  #remember(room) {
    this.#left.add(room);
    const [oldest] = this.#left;
    if (oldest !== undefined && this.#left.size > MOST_LEFT) this.#left.delete(oldest);
  }

  /**
   * @param {Place} place
   * @param {any} publication
   */
  #published(place, { room, offset, time, data }) {
    const { position } = place;
    if (!position || offset <= position.offset) return; // it was here already
    if (offset > position.offset + 1) {
      place.joined = false; // that cannot be: ask for what is missing
      return this.#requests.wish(this.#joining(place));
    }
    place.position = { ...position, offset };
    this.#emit("message", { room, data, offset, time });
  }
}

/**
 * @param {string} room
 * @returns {Request}
 */
function leaving(room) {
  return { frame: { type: "leave", room } };
}
