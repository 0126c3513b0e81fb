/** The clients of a page, one for each address. */

import { socketUrl } from "./address.js";
import { RealtimeClient } from "./client.js";

/** @typedef {import("./client.js").Options} Options */

// On the global object, so that two copies of this module (a hashed and a plain file
// name, or a bundle and a script tag) still share the page's connection.
const CLIENTS = Symbol.for("realtime.clients");
const OPTIONS = Symbol.for("realtime.options");

/**
 * The page's client for this address as it is, also if it is away; one that is made here connects.
 * @param {Options} options
 */
export function pageClient(options) {
  /** @type {Map<string, RealtimeClient>} */
  const clients = shared(CLIENTS);
  /** @type {Map<string, Options>} */
  const givens = shared(OPTIONS);
  const url = socketUrl(options.url ?? "/ws/");
  const known = clients.get(url);
  if (known) {
    warn(url, options, givens.get(url) ?? {});
    return known;
  }
  const client = new RealtimeClient(options);
  clients.set(url, client);
  givens.set(url, options);
  client.connect();
  return client;
}

/**
 * @param {symbol} name
 * @returns {Map<string, any>}
 */
function shared(name) {
  const page = /** @type {Record<symbol, any>} */ (globalThis);
  page[name] ??= new Map();
  return page[name];
}

/**
 * Options that ask for something else than the client was made with have no effect.
 * @param {string} url
 * @param {Options} options
 * @param {Options} given
 */
function warn(url, options, given) {
  const made = { autoReconnect: true, ...given };
  const names = /** @type {(keyof Options)[]} */ (Object.keys(options));
  const ignored = names.filter((name) => name !== "url" && !isSame(options[name], made[name]));
  if (ignored.length === 0) return;
  console.warn(
    `realtime: connect(): ignored ${ignored.join(", ")}: the client for ${url} was made without. ` +
      "Pass options to the first connect(), or use a RealtimeClient of your own.",
  );
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function isSame(one, other) {
  if (one === undefined || one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  const [entries, fields] = [Object.entries(Object(one)), Object(other)];
  const sameSize = entries.length === Object.keys(fields).length;
  return sameSize && entries.every(([key, value]) => fields[key] === value);
}
