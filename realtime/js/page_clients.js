/** The clients of a page, one for each address. */

import { socketUrl } from "./address.js";
import { RealtimeClient } from "./client.js";

/** @typedef {import("./client.js").Options} Options */

// On the global object, so that two copies of this module (a hashed and a plain file name, or a
// bundle and a script tag) share the page's connection.
const CLIENTS = Symbol.for("realtime.clients");
const OPTIONS = Symbol.for("realtime.options");

/**
 * The page's client for this address, in any state. The first call makes it and connects it.
 * @param {Options} options
 */
export function pageClient(options) {
  /** @type {Map<string, RealtimeClient>} */
  const clients = globalMap(CLIENTS);
  /** @type {Map<string, Options>} */
  const optionsOf = globalMap(OPTIONS);
  const url = socketUrl(options.url ?? "/ws/");
  const known = clients.get(url);
  if (known) {
    warnIfIgnored(url, options, optionsOf.get(url) ?? {});
    return known;
  }
  const client = new RealtimeClient(options);
  clients.set(url, client);
  optionsOf.set(url, options);
  client.connect();
  return client;
}

/**
 * @param {symbol} name
 * @returns {Map<string, any>}
 */
function globalMap(name) {
  const page = /** @type {Record<symbol, any>} */ (globalThis);
  page[name] ??= new Map();
  return page[name];
}

/**
 * Warn of options that differ from those of the first call: they have no effect.
 * @param {string} url
 * @param {Options} options
 * @param {Options} first
 */
function warnIfIgnored(url, options, first) {
  const effective = { autoReconnect: true, ...first };
  const names = /** @type {(keyof Options)[]} */ (Object.keys(options));
  const isIgnored = (/** @type {keyof Options} */ name) =>
    name !== "url" && !isEqual(options[name], effective[name]);
  const ignored = names.filter(isIgnored);
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
function isEqual(one, other) {
  if (one === undefined || one === other) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  const [entries, fields] = [Object.entries(Object(one)), Object(other)];
  const sameSize = entries.length === Object.keys(fields).length;
  return sameSize && entries.every(([key, value]) => fields[key] === value);
}
