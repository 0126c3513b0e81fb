/** The option `debug`: everything that happens is in the console, and no secret is. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { logEvent } from "../../realtime/js/debug_log.js";
import { Browser, FakeStorage } from "./browser.js";
import { tick } from "./message_pages.js";
import { advanceToNextAttempt, goodbye, page } from "./pages.js";

/** @type {string[]} */
let lines = [];

beforeEach(() => {
  lines = [];
  mock.method(console, "debug", (/** @type {any[]} */ ...words) => lines.push(words.join(" ")));
});
afterEach(() => mock.restoreAll());

/** Everything whose text may be in a log of these pages only as "…". */
const SECRETS = /LOGIN|RESUME|SESSION|COOKIE|ADDRESS|KEY/;

/** @param {string} name of the session */
const welcomeTo = (name) => ({ session: `${name}-SESSION`, token: `${name}-RESUME` });

test("a life of two pages is in the console without its secrets", async () => {
  const tab = new FakeStorage();
  let logins = 0;
  const options = {
    url: "wss://ann:ADDRESS@example.com/ws/?token=ADDRESS&key=ADDRESS",
    debug: true,
    auth: async () => `LOGIN-${++logins}`,
  };
  const first = page(options, new Browser(tab));
  first.client.connect();
  await tick();
  first.browser.socket.welcome({ ...welcomeTo("one"), rooms: {} });
  first.client.room("chat:lobby", { since: "k3:41" }).joined.catch(() => {});
  void first.client.send("chat:lobby", { text: "hello", cookie: "COOKIE" }).catch(() => {});
  first.client
    .request("pay", { apiKey: "KEY", nested: [{ accessToken: ["KEY"] }] })
    .catch(() => {});
  await tick();
  first.browser.socket.receive({ type: "auth_expiring", in: 1000 });
  await tick();
  first.browser.socket.receive({ type: "error", code: "failed", detail: "of a handler" });
  first.browser.socket.receive({ type: "ping", sequence: 1, timestamp: "" });
  first.browser.socket.receive({ type: "notice", state: "degraded" });
  first.browser.hidePage();
  const second = page(options, new Browser(tab));
  second.client.connect();
  await tick();
  second.browser.socket.welcome({ ...welcomeTo("one"), resumed: true });
  second.browser.socket.receive(goodbye(4008));
  advanceToNextAttempt(second.browser, second.client);
  await tick();
  second.browser.socket.receive(goodbye(4500, { reason: "lunch" }));
  const log = lines.join("\n");
  assert.match(log, /"resume":\{"session":"…","token":"…","turn":1\}/);
  for (const word of ["hello", "welcome", "chat:lobby", "connection_lost", "notice", "4500", "pay"])
    assert.match(log, new RegExp(word));
  assert.doesNotMatch(log, SECRETS);
});

test("a failed constructor quotes the address without its secrets, in the console and elsewhere", () => {
  const browser = new Browser();
  const environment = browser.environment;
  environment.WebSocket = class {
    /** @param {string} url */
    constructor(url) {
      throw new DOMException(`The URL '${url}' is invalid.`, "SyntaxError");
    }
  };
  const url = "wss://ann:ADDRESS@example.com/ws/?token=ADDRESS";
  const { client } = page({ url, environment, debug: true }, browser);
  client.connect();
  assert.match(lines.join("\n"), /realtime: connect_error .*The URL '… is invalid/);
  assert.doesNotMatch(lines.join("\n") + JSON.stringify(client.stats()), SECRETS);
});

test("fields are hidden by their names, at any depth and of any type", () => {
  const names = ["token", "authToken", "auth", "Authorization", "cookie", "set-cookie", "password"];
  names.push("client_secret", "sessionid", "csrfmiddlewaretoken", "api_key", "key", "jwt");
  const values = ["SESSION", 4217, ["SESSION"], { a: { b: "SESSION" } }];
  for (const name of names)
    for (const value of values) logEvent("message", { data: [{ [name]: value }] });
  assert.equal(lines.length, names.length * values.length);
  for (const line of lines)
    assert.match(line, /^realtime: message \{"data":\[\{"[\w-]+":"…"\}\]\}$/);
});

test("other fields are shown", () => {
  logEvent("presence", { sessions: 3, author: "ann", text: "50 % off? yes & no" });
  assert.deepEqual(lines, [
    'realtime: presence {"sessions":3,"author":"ann","text":"50 % off? yes & no"}',
  ]);
});

test("without the option the console stays empty", () => {
  const { browser, client } = page();
  client.connect();
  browser.socket.welcome();
  assert.deepEqual(lines, []);
});
