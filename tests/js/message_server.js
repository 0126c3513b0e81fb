/** A server for messages, whose answers and losses a random number decides. */

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {Record<string, any>} Frame */
/** @typedef {() => number} Random evenly from [0, 1) */

/**
 * Publishes each key of a room once, and refuses data with `isBad` for good. Unless it is `calm`
 * it also refuses for the moment, before and after publishing, and serves frames late.
 */
export class MessageServer {
  #random;
  /** @type {Map<string, any[]>} what was published, by room */
  logs = new Map();
  /** @type {Map<string, number>} offsets by room and key */
  #keys = new Map();
  /** @type {WeakMap<FakeSocket, {read: number, rooms: Set<string>}>} */
  #connections = new WeakMap();
  /** @type {Frame[]} of connections that were lost before they were served */
  #late = [];
  calm = false;

  /** @param {Random} random */
  constructor(random) {
    this.#random = random;
  }

  /** Welcome the client; the socket is open. @param {FakeSocket} socket @param {Frame} fields */
  welcome(socket, fields = {}) {
    const [hello] = socket.sentOfType("hello");
    const rooms = Object.entries(hello?.rooms ?? {});
    this.#connections.set(socket, { read: 0, rooms: new Set(rooms.map(([room]) => room)) });
    const joined = rooms.map(([room, position]) => [room, joinedAt(position)]);
    socket.welcome({ rooms: Object.fromEntries(joined), ...fields });
  }

  /** Serve the frames that the client has sent. @param {FakeSocket} socket */
  serve(socket) {
    for (let frame = this.#next(socket); frame; frame = this.#next(socket)) {
      const answer = this.#answer(frame, this.#connections.get(socket)?.rooms ?? new Set());
      if (answer) socket.receive(answer);
    }
  }

  /** The connection is lost: what was not served may be served later. @param {FakeSocket} socket */
  lose(socket) {
    for (let frame = this.#next(socket); frame; frame = this.#next(socket)) {
      if (frame.type === "messages" && this.#random() < 0.7) this.#late.push(frame);
    }
    socket.drop();
  }

  /** Serve frames of lost connections, whose answers reach no client. */
  serveLate() {
    for (const frame of this.#late.splice(0)) this.#results(frame);
  }

  /** @param {FakeSocket} socket @returns {Frame | undefined} */
  #next(socket) {
    const connection = this.#connections.get(socket);
    return connection && socket.sent[connection.read++];
  }

  /** @param {Frame} frame @param {Set<string>} rooms @returns {Frame | null} */
  #answer(frame, rooms) {
    const { type, id, room } = frame;
    if (type === "join") rooms.add(room);
    if (type === "leave") rooms.delete(room);
    if (type === "join") return { type: "joined", id, room, ...joinedAt(frame.position) };
    if (type === "leave") return { type: "left", id, room };
    if (type !== "messages") return null;
    if (!rooms.has(room)) throw new Error(`messages to ${room}, which was not joined`);
    if (this.#happens(0.1)) return { type: "error", id, room, code: "rate_limited", detail: "" };
    return { type: "acks", id, items: this.#results(frame) };
  }

  /** @param {Frame} frame */
  #results({ room, items }) {
    let code = "";
    return items.map((/** @type {Frame} */ { data, key }) => {
      if (!code && this.#happens(0.1)) code = this.#random() < 0.5 ? "unavailable" : "rate_limited";
      if (code) return { code, detail: "later" };
      if (data.isBad) return { code: "forbidden", detail: "never" };
      const offset = this.#publish(room, key, data);
      if (!this.#happens(0.05)) return { epoch: "e", offset };
      code = "unavailable"; // the answer of the store was lost
      return { code, detail: "later" };
    });
  }

  /** @param {number} probability */
  #happens(probability) {
    return !this.calm && this.#random() < probability;
  }

  /** @param {string} room @param {string} key @param {any} data */
  #publish(room, key, data) {
    const log = this.logs.get(room) ?? [];
    this.logs.set(room, log);
    const name = `${room} ${key}`;
    if (!this.#keys.has(name)) this.#keys.set(name, log.push(data));
    return this.#keys.get(name);
  }
}

/** An answer to a join: this server sends no publications. @param {unknown} position */
function joinedAt(position) {
  return { epoch: "e", offset: 0, ...(position ? { recovered: true } : {}) };
}
