"""python-socketio as its manual has it: one room, and an event that is passed on to it.

uvicorn benchmarks.peers.python_socketio:application
"""

import os
from typing import Any

import socketio

ROOM = "room"
INTERVAL = float(os.environ["INTERVAL"])

# The load generator takes up to an interval over its first pong; this leaves it the time.
server = socketio.AsyncServer(async_mode="asgi", ping_interval=INTERVAL, ping_timeout=INTERVAL + 20)


async def connect(sid: str, environ: dict[str, Any]) -> None:
    """Every client is a member."""
    await server.enter_room(sid, ROOM)


async def publish(sid: str, data: Any) -> None:
    """Pass it on."""
    await server.emit("message", data, room=ROOM)


server.on("connect", connect)
server.on("publish", publish)

application = socketio.ASGIApp(server)
