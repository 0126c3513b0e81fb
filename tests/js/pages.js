/** Pages with a client. */

import { RealtimeClient } from "../../realtime/js/client.js";
import { Browser } from "./browser.js";

/** @typedef {import("../../realtime/js/client.js").Options} Options */

/**
 * A page with a client that is not connected yet.
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
  browser.socket.welcome(welcome);
  return { browser, client };
}

/** A connected page in a tab with the storage of earlier pages. @param {import("./browser.js").FakeStorage} tab */
export function pageInTab(tab) {
  return connectedPage({}, new Browser(tab));
}

/**
 * Advance to the next attempt, if one is scheduled.
 * @param {Browser} browser
 * @param {RealtimeClient} client
 */
export function advanceToNextAttempt(browser, client) {
  browser.advance((client.stats().nextAttemptAt ?? browser.wall) - browser.wall);
  if (client.stats().nextAttemptAt !== null) browser.advance(1); // it was rounded down
}

/**
 * A goodbye frame.
 * @param {number} code
 * @param {object} [fields]
 */
export function goodbye(code, fields = {}) {
  return { type: "goodbye", code, reason: `reason ${code}`, ...fields };
}

/** The outcomes of promises so far: an error code, "done", or "" for pending. @param {Promise<unknown>[]} promises */
export async function outcomes(promises) {
  const result = promises.map(() => "");
  for (const [i, promise] of promises.entries()) {
    promise.then(
      () => (result[i] = "done"),
      (error) => (result[i] = error.code),
    );
  }
  await new Promise((resolve) => setImmediate(resolve));
  return result;
}

/**
 * Lose the connection and get welcomed at the next attempt.
 * @param {{browser: Browser, client: RealtimeClient}} page
 */
export function reconnected({ browser, client }, welcome = {}) {
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.welcome(welcome);
  return browser.socket;
}
