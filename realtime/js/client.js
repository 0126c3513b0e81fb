/** The client as a page uses it: one connection to the server, rooms, messages, events. */

import { defaultUrl, socketUrl } from "./address.js";
import { browserEnvironment } from "./browser_environment.js";
import { ConnectionManager } from "./connection_manager.js";
import { logEvent } from "./debug_log.js";
import { ClientEventTarget } from "./events.js";
import { UseCount } from "./use_count.js";

/** @typedef {import("./events.js").Stats} Stats */
/** @typedef {import("./state_tracker.js").ClientState} ClientState */
/** @typedef {import("./room_cursor.js").RoomOptions} RoomOptions */
/**
 * @template [Data=any]
 * @template [Person=any]
 * @typedef {import("./room_handle.js").RoomHandle<Data, Person>} RoomHandle
 */

/**
 * @typedef {object} Options
 * @property {string} [url] path or address; default `/ws/` on the page's own host, below its script prefix
 * @property {boolean} [autoReconnect] default true
 * @property {import("./token_login.js").Auth} [auth] the login's token, or a function that gets a new one
 * @property {number} [timeout] ms for each half of an attempt; default 10,000
 * @property {Partial<import("./backoff.js").Backoff>} [backoff]
 * @property {boolean} [debug] write each event to the console, without secrets; default false
 * @property {boolean} [warnUnsent] ask before the page closes with unsent messages; default false
 * @property {Partial<import("./browser_environment.js").Environment>} [environment] for tests
 */

/** @typedef {Options & {url: string, name: string, environment: import("./browser_environment.js").Environment}} ManagerOptions */

/** The client in a hello, for people. */
export const NAME = "realtime-js/0.1.0";

export class RealtimeClient extends ClientEventTarget {
  #manager;
  #uses;

  /**
   * Does not connect yet. Throws TypeError for an invalid `url`.
   * @param {Options} [options]
   */
  constructor({ url, debug, ...options } = {}) {
    super();
    const environment = browserEnvironment(options.environment);
    /** The absolute address of the server's socket. */
    this.url = socketUrl(url ?? defaultUrl());
    this.#manager = new ConnectionManager(
      { ...options, environment, url: this.url, name: NAME },
      (type, detail) => {
        if (debug) logEvent(type, detail);
        this.dispatchEvent(new CustomEvent(type, { detail }));
      },
    );
    this.#uses = new UseCount(environment, () => this.disconnect());
  }

  /** @returns {ClientState} */
  get state() {
    return this.#manager.state;
  }

  /** Connected, but the server says that it cannot reach its store. */
  get degraded() {
    return this.stats().degraded;
  }

  /** Open a connection; while waiting, attempt at once; while connected, probe the server. */
  connect() {
    this.#manager.connect();
  }

  /** Disconnect the whole page: the session ends here and on the server. */
  disconnect() {
    this.#manager.disconnect();
  }

  /**
   * Use the client as one of several components: connects it like `connect()` of the module. One
   * second after the last `release()` the client disconnects.
   */
  acquire() {
    const use = this.#uses.acquire();
    connectIfUnused(this);
    return use;
  }

  /**
   * A room for one component, joined now and after each reconnect until the handle's `close()`. The room
   * is left one second after its last handle is closed. Throws TypeError for wrong options.
   * @template [Data=any] of its messages
   * @template [Person=any] the application's description of a user
   * @param {string} name
   * @param {RoomOptions} [options]
   * @returns {RoomHandle<Data, Person>}
   */
  room(name, options = {}) {
    return this.#manager.messaging.room(name, options);
  }

  /**
   * Join a room, now and after each reconnect. The `joined` or `left` event gives the result.
   * @param {string} room
   */
  join(room) {
    this.#manager.messaging.rooms.join(room);
  }

  /**
   * Undo `join`, with a `left` event. The handles of the room go on.
   * @param {string} room
   */
  leave(room) {
    this.#manager.messaging.rooms.leave(room);
  }

  /**
   * Send a message to a room. It waits while there is no connection.
   * @param {string} room
   * @param {unknown} data any value that JSON can express
   * @returns {Promise<import("./position.js").Position | null>} resolved when the server has it, with its place
   *   in the room; null: the application has not published it there. Rejected with a `SendError`
   */
  send(room, data) {
    return this.#manager.messaging.send(room, data);
  }

  /**
   * Ask the application for an answer to this page: await the reply, or iterate its parts, once.
   * Nothing is repeated: a request whose connection is lost fails with the code "lost".
   * @template [T=any]
   * @param {string} name
   * @param {unknown} [data] any value that JSON can express
   * @param {import("./requests.js").RequestOptions} [options]
   * @returns {import("./reply.js").Reply<T>} fails with a `RequestError`, or the signal's reason
   */
  request(name, data, options) {
    return this.#manager.messaging.requests.request(name, data, options);
  }

  /**
   * Send a binary frame to the application. The client neither stores nor repeats it. Throws
   * TypeError for other data and RangeError above the server's `max_message_size`.
   * @param {BufferSource | Blob} data
   * @returns {boolean} false: there is no connection
   */
  sendBytes(data) {
    return !!this.#manager.connection?.sendBytes(data);
  }

  enableAutoReconnect() {
    this.#manager.setAutoReconnect(true);
  }

  /** Keep the connection until it ends, and do not reconnect; stop waiting for an attempt. */
  disableAutoReconnect() {
    this.#manager.setAutoReconnect(false);
  }

  /** Forget attempts, grown delays and the last error; `error` becomes `disconnected`. */
  resetReconnectState() {
    this.#manager.reset();
  }

  /** @returns {Promise<number>} the latency in ms; rejected with an Error if no answer comes */
  async ping() {
    const latency = await this.#manager.connection?.ping();
    if (typeof latency === "number") return latency;
    throw new Error(latency ?? "not connected");
  }

  /** @returns {Stats} a snapshot */
  stats() {
    return this.#manager.stats();
  }
}

/**
 * Connect, unless the server has sent the client away for good, or the page has left or frozen.
 * @param {RealtimeClient} client
 */
export function connectIfUnused(client) {
  const { state, reason } = client.stats();
  if (state === "disconnected" && reason === "") client.connect();
}
