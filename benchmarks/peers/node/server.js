// Socket.IO as its manual has it: one room, and an event that is passed on to it.
//
//     INTERVAL=25 node server.js 8000

import { createServer } from "node:http";
import { Server } from "socket.io";

const ROOM = "room";
const interval = 1000 * Number(process.env.INTERVAL);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  pingInterval: interval,
  // The load generator takes up to an interval over its first pong; this leaves it the time.
  pingTimeout: interval + 20_000,
});

io.on("connection", (socket) => {
  socket.join(ROOM);
  socket.on("publish", (data) => io.to(ROOM).emit("message", data));
});

http.listen(Number(process.argv[2]), "127.0.0.1");
