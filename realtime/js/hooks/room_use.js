/** A room as a component uses it: the same for every framework. */

/** @typedef {import("../client.js").RealtimeClient} RealtimeClient */
/** @typedef {import("../position.js").Position} Position */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("../room_handle.js").RoomHandle<Data, Person>} RoomHandle
 */

/**
 * @template [Data=any]
 * @typedef {object} RoomListeners
 * @property {(message: import("../room_handle.js").RoomMessage<Data>) => void} [onMessage]
 * @property {(detail: import("../room_handle.js").RoomEvents["resync"]) => void} [onResync] load the state anew
 * @property {boolean} [presence] follow the users in the room, from when it is opened
 */

/**
 * How a component stands to its room.
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {object} RoomStatus
 * @property {RoomHandle<Data, Person> | null} room null: not mounted yet, or no room wanted
 * @property {boolean} joined
 * @property {import("../room_handle.js").RoomEvents["left"] | null} left null: not left since it was joined
 * @property {import("../presence.js").Presence<Person> | null} presence null: not known, or not wanted
 */

/** @type {Readonly<RoomStatus>} */
export const NOT_JOINED = Object.freeze({ room: null, joined: false, left: null, presence: null });

export class RoomUse {
  /** @type {Readonly<RoomStatus>} a new object after each change, else the same */
  status = NOT_JOINED;
  #options;
  /** @type {Position | null} where the component has got to */
  #position = null;

  /**
   * @param {RealtimeClient} client
   * @param {string | null} name null: no room
   * @param {() => import("../room_cursor.js").RoomOptions & RoomListeners} options as they are now: the
   *   beginning counts when the room is opened, the listeners at each event
   */
  constructor(client, name, options) {
    this.client = client;
    this.name = name;
    this.#options = options;
  }

  /**
   * Keep the client connected and the room joined until the returned function is called. A later call
   * goes on from there: a framework may end the effects of a component and keep its state.
   * @param {() => void} onChange called after each change of `status`
   * @returns {() => void}
   */
  subscribe = (onChange) => {
    if (this.name === null) return () => {};
    const room = this.client.room(this.name, this.#beginning());
    this.#listen(room, onChange);
    const use = this.client.acquire();
    return () => {
      this.#position = room.position;
      this.status = NOT_JOINED;
      room.close();
      use.release();
    };
  };

  /**
   * Send a message to the room; it needs no handle. Rejected with a `SendError`.
   * @param {unknown} data
   * @returns {Promise<any>}
   */
  send = async (data) => {
    if (this.name === null) throw Object.assign(new Error("no room"), { code: "not_joined" });
    return this.client.send(this.name, data);
  };

  #beginning() {
    const { since, rewind } = this.#options();
    return this.#position ? { since: this.#position } : { since, rewind };
  }

  /**
   * @param {RoomHandle} room
   * @param {() => void} onChange
   */
  #listen(room, onChange) {
    /** @param {Partial<RoomStatus>} change */
    const update = (change) => {
      const { joined, left, presence } = this.status;
      this.status = Object.freeze({ room, joined, left, presence, ...change });
      onChange();
    };
    room.on("joined", () => update({ joined: true, left: null }));
    room.on("left", (left) => update({ joined: false, left }));
    room.on("message", (message) => this.#options().onMessage?.(message));
    room.on("resync", (detail) => this.#options().onResync?.(detail));
    if (this.#options().presence) room.on("presence", (presence) => update({ presence }));
    update({});
  }
}
