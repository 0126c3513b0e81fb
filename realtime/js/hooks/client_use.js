/** The client as a component uses it: the same for every framework. */

import { RealtimeClient } from "../client.js";
import { pageClient } from "../page_clients.js";

/** @typedef {import("../events.js").Stats} Stats */
/** @typedef {import("../client.js").Options & {client?: RealtimeClient}} UseOptions `client`: instead of the page's own */

/**
 * The page's client for these options, which a use connects. Frameworks may call it while they render.
 * A server that renders pages has no page: there each call makes a client that never connects.
 * @param {UseOptions} options
 * @returns {RealtimeClient}
 */
export function clientFor({ client, ...options }) {
  if (client) return client;
  return globalThis.document ? pageClient(options, false) : clientWithoutPage();
}

/** It starts and keeps nothing. */
function clientWithoutPage() {
  const environment = { window: null, document: null, network: null, policy: null };
  return new RealtimeClient({ url: "ws://localhost/", environment });
}

/**
 * The stats before the first connection: what a server renders, and the first render in the page.
 * @type {Readonly<Stats>}
 */
export const INITIAL_STATS = Object.freeze({
  ...clientWithoutPage().stats(),
  online: true,
  stateSince: 0, // a server renders it, and the page begins with the same
});

/** @type {WeakMap<RealtimeClient, ClientUse>} */
const USES = new WeakMap();

/** The one of this client. @param {RealtimeClient} client */
export function useOf(client) {
  const use = USES.get(client) ?? new ClientUse(client);
  USES.set(client, use);
  return use;
}

/** A client and its stats, which all components share. */
class ClientUse {
  /** @type {Stats} a new object after each change, else the same */
  stats;
  #client;
  /** @type {Set<() => void>} */
  #subscribers = new Set();

  /** @param {RealtimeClient} client */
  constructor(client) {
    this.#client = client;
    this.stats = client.stats();
    const refresh = () => this.#refresh();
    for (const type of /** @type {const} */ (["state", "latency", "notice"]))
      client.on(type, refresh);
    client.on("frame", ({ direction, frame }) => {
      if (direction === "in" && frame.type === "ping") refresh();
    });
  }

  /**
   * Keep the client connected until the returned function is called.
   * @param {() => void} onChange called after each change of `stats`
   * @returns {() => void}
   */
  subscribe = (onChange) => {
    const subscriber = () => onChange(); // an entry of its own, also for a function that is here already
    this.#subscribers.add(subscriber);
    const use = this.#client.acquire();
    return () => {
      this.#subscribers.delete(subscriber);
      use.release();
    };
  };

  #refresh() {
    this.stats = this.#client.stats();
    for (const subscriber of [...this.#subscribers]) subscriber();
  }
}
