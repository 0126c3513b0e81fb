/** `import { connect } from ".../realtime/index.js"`: what a page needs. */

import { RealtimeClient } from "./client.js";
import { socketUrl } from "./environment.js";

export { RealtimeClient };

// On the global object, so that two copies of this module (a hashed and a plain file
// name, or a bundle and a script tag) still share the page's connection.
const REGISTRY = Symbol.for("realtime.clients");

/**
 * The page's client for this address. The first call makes it and connects; later ones,
 * whatever their options, get the same client as it is, also when it is disconnected.
 * @param {import("./client.js").Options} [options]
 */
export function connect(options = {}) {
  const clients = registry();
  const url = socketUrl(options.url ?? "/ws/");
  const known = clients.get(url);
  if (known) return known;
  const client = new RealtimeClient(options);
  clients.set(url, client);
  client.connect();
  return client;
}

/** @returns {Map<string, RealtimeClient>} */
function registry() {
  const page = /** @type {Record<symbol, any>} */ (globalThis);
  page[REGISTRY] ??= new Map();
  return page[REGISTRY];
}
