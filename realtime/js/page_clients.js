/** The clients of a page, one for each address. */

import { defaultUrl, socketUrl } from "./address.js";
import { NAME, RealtimeClient } from "./client.js";
import { pageGlobal } from "./page_global.js";

/** @typedef {import("./client.js").Options} Options */

// Copies of this module (a hashed and a plain file name, or a bundle and an npm package) share the
// page's clients if they have the same api: the same major and minor version. A minor version adds
// methods, which the client of an older copy does not have.
const CLIENTS = `clients of ${NAME.replace(/\.\d+$/, "")}`;

/**
 * The page's client for this address, in any state. The first call makes it and connects it.
 * @param {Options} options
 * @param {boolean} [connects] false: a new client stays at rest
 */
export function pageClient(options, connects = true) {
  /** @type {Map<string, {client: RealtimeClient, options: Options}>} */
  const clients = pageGlobal(CLIENTS, () => new Map());
  const url = socketUrl(options.url ?? defaultUrl());
  const known = clients.get(url);
  if (known) {
    warnIfIgnored(url, options, known.options);
    return known.client;
  }
  const client = new RealtimeClient(options);
  clients.set(url, { client, options });
  if (connects) client.connect();
  return client;
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
    name !== "url" &&
    options[name] !== undefined &&
    essence(options[name]) !== essence(effective[name]);
  const ignored = names.filter(isIgnored);
  if (!ignored[0]) return;
  console.warn(
    `realtime: connect(): ignored ${ignored.join(", ")}: pass it to the first call for ${url}`,
  );
}

/**
 * The value that equal options share. Functions, which have no fields, are equal: components make a new one of
 * the same code at each mount. So are objects with the same fields, and all empty values.
 * @param {unknown} value
 */
function essence(value) {
  return Object(value) === value ? `${Object.entries(Object(value)).sort()}` : value || undefined;
}
