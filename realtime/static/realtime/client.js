/** The client, as a page has it: one connection to the server, rooms, messages, events. */

import { socketUrl } from "./address.js";
import { ConnectionManager } from "./connection_manager.js";
import { ClientEventTarget } from "./events.js";

/** @typedef {import("./events.js").Stats} Stats */
/** @typedef {import("./states.js").ClientState} ClientState */

/**
 * @typedef {object} Options
 * @property {string} [url] path or address; default `/ws/` on the page's own host
 * @property {boolean} [autoReconnect] default true
 * @property {Partial<import("./backoff.js").Backoff>} [backoff]
 * @property {Partial<import("./browser_environment.js").Environment>} [environment] for tests
 */

const NAME = "realtime-js/0.1.0";

export class RealtimeClient extends ClientEventTarget {
  #keeper;

  /** @param {Options} [options] */
  constructor({ url = "/ws/", autoReconnect = true, backoff = {}, environment = {} } = {}) {
    super();
    /** The absolute address of the server's socket. */
    this.url = socketUrl(url);
    const options = { url: this.url, name: NAME, autoReconnect, backoff, environment };
    this.#keeper = new ConnectionManager(options, (type, detail) => {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    });
  }

  /** @returns {ClientState} */
  get state() {
    return this.#keeper.state;
  }

  /** Connected, but the server has said that it cannot reach its store. */
  get degraded() {
    return this.stats().degraded;
  }

  /**
   * See to it that there is a connection: open one, stop waiting for the next attempt,
   * or, where there is one, make sure that the server still answers.
   */
  connect() {
    this.#keeper.connect();
  }

  /** Leave for good, and for the whole page: the session ends here and on the server. */
  disconnect() {
    this.#keeper.disconnect();
  }

  /**
   * Be in a room from now on, also after reconnects.
   * @param {string} room
   */
  join(room) {
    this.#keeper.delivery.rooms.join(room);
  }

  /** @param {string} room */
  leave(room) {
    this.#keeper.delivery.rooms.leave(room);
  }

  /**
   * Say something in a room. It waits while nobody is connected.
   * @param {string} room
   * @param {unknown} data as JSON it is what the others get
   * @returns {Promise<void>} the server has it; rejected with an error whose `code` says why not
   */
  send(room, data) {
    return this.#keeper.delivery.send(room, data);
  }

  /**
   * Say something to the application in bytes. Nothing of it is kept: who needs to know
   * whether they have come has the server answer.
   * @param {BufferSource | Blob} data
   * @returns {boolean} whether there was a connection to hand it to
   */
  sendBytes(data) {
    return this.#keeper.connection?.sendBytes(data) === true;
  }

  enableAutoReconnect() {
    this.#keeper.autoReconnect = true;
  }

  /** The connection stays; when it ends, or if it has ended already, no other follows. */
  disableAutoReconnect() {
    this.#keeper.autoReconnect = false;
    this.#keeper.settle();
  }

  /** Forget attempts, grown delays and the last error, as if nothing had gone wrong yet. */
  resetReconnectState() {
    this.#keeper.reset();
  }

  /** @returns {Promise<number>} the latency in ms; rejected if no answer comes */
  async ping() {
    const latency = this.#keeper.connection?.ping();
    if (!latency) throw new Error("not connected");
    return latency;
  }

  /** @returns {Stats} everything known now */
  stats() {
    return this.#keeper.stats();
  }
}
