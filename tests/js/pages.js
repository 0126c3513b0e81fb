/** Pages with a client, for tests. */

import { RealtimeClient } from "../../realtime/static/realtime/client.js";
import { Browser } from "./browser.js";

/** @typedef {import("../../realtime/static/realtime/client.js").Options} Options */

/**
 * A page with a client, not connected yet.
 * @param {Options} [options]
 */
export function page(options = {}, browser = new Browser()) {
  const { environment } = browser;
  const client = new RealtimeClient({ url: "wss://example.com/ws/", environment, ...options });
  return { browser, client };
}

/**
 * @param {Options} [options]
 * @param {object} [welcome] fields of the welcome
 */
export function connectedPage(options = {}, browser = new Browser(), welcome = {}) {
  const { client } = page(options, browser);
  client.connect();
  browser.socket.welcomes(welcome);
  return { browser, client };
}

/** A page in a tab that other pages were in before. @param {import("./browser.js").FakeStorage} tab */
export function pageIn(tab) {
  return connectedPage({}, new Browser(tab));
}

/**
 * Until the next attempt, if there is to be one.
 * @param {Browser} browser
 * @param {RealtimeClient} client
 */
export function passDelay(browser, client) {
  browser.pass((client.stats().nextAttemptAt ?? browser.wall) - browser.wall);
}

/**
 * @param {number} code
 * @param {object} [fields]
 */
export function goodbye(code, fields = {}) {
  return { type: "goodbye", code, reason: `said ${code}`, ...fields };
}

/** How promises have ended: a code, "done", or "" of one that has not. @param {Promise<void>[]} promises */
export async function ends(promises) {
  const ends = promises.map(() => "");
  for (const [i, promise] of promises.entries()) {
    promise.then(
      () => (ends[i] = "done"),
      (error) => (ends[i] = error.code),
    );
  }
  await new Promise((resolve) => setImmediate(resolve));
  return ends;
}

/**
 * The line breaks, and the next attempt is welcomed.
 * @param {{browser: Browser, client: RealtimeClient}} page
 */
export function reconnected({ browser, client }, welcome = {}) {
  browser.socket.breaks();
  passDelay(browser, client);
  browser.socket.welcomes(welcome);
  return browser.socket;
}
