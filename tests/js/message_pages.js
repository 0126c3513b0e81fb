/** Pages that send messages, and the server's answers to these. */

import { connectedPage } from "./pages.js";

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */
/** @typedef {Record<string, any>} Frame */

/** Let the client send the messages of this tick. */
export async function tick() {
  await new Promise((resolve) => setImmediate(resolve));
}

/** A connected page that has sent these data to the room chat. @param {any[]} data */
export async function pageThatSent(...data) {
  const { browser, client } = connectedPage();
  const sent = data.map((each) => client.send("chat", each));
  await tick();
  return { browser, client, socket: browser.socket, sent };
}

/** The messages that the client sent, whichever frames they travelled in. @param {FakeSocket} socket */
export function sentItems(socket) {
  return socket.sentOfType("messages").flatMap(({ items }) => items);
}

/** Their data. @param {FakeSocket} socket @returns {any[]} */
export function sentData(socket) {
  return sentItems(socket).map(({ data }) => data);
}

/** The data of each frame of messages. @param {FakeSocket} socket @returns {any[][]} */
export function sentFrames(socket) {
  const dataOf = (/** @type {Frame} */ { data }) => data;
  return socket.sentOfType("messages").map(({ items }) => items.map(dataOf));
}

/**
 * The newest frame of messages, to this room.
 * @param {FakeSocket} socket
 * @param {string} [room]
 */
function newest(socket, room) {
  const frames = socket.sentOfType("messages").filter((each) => !room || each.room === room);
  const frame = frames.at(-1);
  if (!frame) throw new Error("no messages were sent");
  return frame;
}

/**
 * The server accepts the newest frame of messages, the first at this offset.
 * @param {FakeSocket} socket
 * @param {{room?: string, offset?: number}} [options]
 */
export function acknowledge(socket, { room, offset = 1 } = {}) {
  const { id, items } = newest(socket, room);
  const results = items.map((/** @type {Frame} */ _, /** @type {number} */ index) => ({
    epoch: "e",
    offset: offset + index,
  }));
  socket.receive({ type: "acks", id, items: results });
}

/**
 * The server answers the newest frame of messages with these results.
 * @param {FakeSocket} socket
 * @param {(Frame | string)[]} results texts are codes
 */
export function answer(socket, ...results) {
  const items = results.map((result) =>
    typeof result === "string" ? { code: result, detail: `refused: ${result}` } : result,
  );
  socket.receive({ type: "acks", id: newest(socket).id, items });
}

/**
 * The server refuses the newest frame of messages as a whole.
 * @param {FakeSocket} socket
 * @param {string} code
 * @param {string} [to] the room
 */
export function refuse(socket, code, to) {
  const { id, room } = newest(socket, to);
  socket.receive({ type: "error", id, room, code, detail: `refused: ${code}` });
}
