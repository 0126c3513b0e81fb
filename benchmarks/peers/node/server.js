// Socket.IO as its manual has it: one room, and an event that is passed on to it.
//
//     INTERVAL=25 node server.js 8000

import { createServer } from "node:http";
import { Server } from "socket.io";

const ROOM = "room";
const TEXT = "hello world hello world";
const EVERY_MS = 10; // between two bursts of a flow, as in benchmarks/flow.py
const interval = 1000 * Number(process.env.INTERVAL);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  pingInterval: interval,
  // The load generator takes up to an interval over its first pong; this leaves it the time.
  pingTimeout: interval + 20_000,
});

/** So many messages a second to the room, for so many seconds. */
function flow(rate, seconds) {
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const elapsed = (performance.now() - began) / 1000;
    while (sent < rate * elapsed) io.to(ROOM).emit("message", { n: ++sent, text: TEXT });
    if (elapsed > seconds) clearInterval(timer);
  }, EVERY_MS);
}

io.on("connection", (socket) => {
  socket.join(ROOM);
  socket.on("publish", (data) => io.to(ROOM).emit("message", data));
  socket.on("flow", flow);
});

http.listen(Number(process.argv[2]), "127.0.0.1");
