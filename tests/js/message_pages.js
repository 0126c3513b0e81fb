/** The server's answers to messages. */

/** @typedef {import("./browser.js").FakeSocket} FakeSocket */

/** The data of the messages that the client sent. @param {FakeSocket} socket */
export function sentData(socket) {
  return socket.sentOfType("message").map(({ data }) => data);
}

/** The server accepts the newest message. @param {FakeSocket} socket */
export function acknowledge(socket) {
  socket.receive({ type: "ack", id: socket.sentOfType("message").at(-1)?.id });
}

/**
 * The server refuses the newest message.
 * @param {FakeSocket} socket
 * @param {string} code
 */
export function refuse(socket, code) {
  const { id, room } = socket.sentOfType("message").at(-1) ?? {};
  socket.receive({ type: "error", id, room, code, detail: `refused: ${code}` });
}
