/** Pages with rooms, and the server's answers to them. */

import { recordEvents } from "./browser.js";
import { advanceToNextAttempt, connectedPage } from "./pages.js";

/** @typedef {import("./browser.js").Browser} Browser */
/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {import("../../realtime/js/client.js").RealtimeClient} RealtimeClient */

/** The joins and leaves that the client sent. @param {FakeSocket} socket */
function requestsOf(socket) {
  return socket.sent.filter(({ type }) => type === "join" || type === "leave");
}

/** The same as texts: "join news". @param {FakeSocket} socket */
export function roomRequests(socket) {
  return requestsOf(socket).map(({ type, room }) => `${type} ${room}`);
}

/**
 * The server answers the newest join or leave, with success or an `error`.
 * @param {FakeSocket} socket
 * @param {object} [fields]
 */
export function answerRoom(socket, fields = {}) {
  const { id, room, type } = requestsOf(socket).at(-1) ?? {};
  socket.receive({ type: type === "leave" ? "left" : "joined", id, room, ...fields });
}

/**
 * The server sends publications of the room news.
 * @param {FakeSocket} socket
 * @param {number[]} offsets
 */
export function publish(socket, ...offsets) {
  for (const offset of offsets) {
    socket.receive({ type: "publication", room: "news", offset, time: 7, data: `n${offset}` });
  }
}

/** A page in the room news, whose log ends at 5, and its events from then on. */
export function pageInNews() {
  const { browser, client } = connectedPage();
  const { socket } = browser;
  client.join("news");
  answerRoom(socket, { epoch: "e", offset: 5 });
  return {
    browser,
    client,
    socket,
    joined: recordEvents(client, "joined"),
    left: recordEvents(client, "left"),
    messages: recordEvents(client, "message"),
    resyncs: recordEvents(client, "resync"),
  };
}

/**
 * Lose the connection; the next socket opens and gets the hello.
 * @param {{browser: Browser, client: RealtimeClient}} page
 */
export function reopened({ browser, client }) {
  browser.socket.drop();
  advanceToNextAttempt(browser, client);
  browser.socket.open();
  return browser.socket;
}
