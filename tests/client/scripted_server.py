"""A server of the protocol that does what a test says, frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from realtime.client import Backoff, RealtimeClient
from tests.polling import TIMEOUT

Frame = dict[str, Any]

WELCOME: Frame = {
    "protocol": 1,
    "session": "Y1qQ0Jm2",
    "token": "tB7kD93w",
    "resumed": False,
    "user": "17",
    "ping_interval": 25_000,
    "pong_timeout": 10_000,
    "max_missed": 3,
    "resume_window": 120_000,
    "window": 256,
    "window_bytes": 65_536,
    "max_message_size": 270_336,
    "max_publication": 65_536,
    "message_rate": 1_000_000,
    "server_time": 1_795_176_000_000,
    "rooms": {},
}
AT_ONCE = Backoff(base=0.001, cap=0.01)


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.headers = connection.request.headers if connection.request else {}
        self._skipped: list[Frame] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def receive(self, kind: str) -> Frame:
        """The next frame of this type, in a test's time; others are kept for later calls."""
        for kept in self._skipped:
            if kept["type"] == kind:
                self._skipped.remove(kept)
                return kept
        async with asyncio.timeout(TIMEOUT):
            while True:
                frame: Frame = json.loads(await self.connection.recv())
                if frame["type"] == kind:
                    return frame
                self._skipped.append(frame)

    async def next(self) -> Frame:
        """The next frame of any type, whenever it comes."""
        frame: Frame = json.loads(await self.connection.recv())
        return frame

    async def received(self) -> list[Frame]:
        """The frames that the client has sent so far and no call has received."""
        await self.send("ping", sequence=1, timestamp="", server_time=0, delivered=0)
        await self.receive("pong")
        return self._skipped

    async def welcome(self, **fields: Any) -> Frame:
        """Receive the hello, answer it, and return it."""
        hello = await self.receive("hello")
        await self.send("welcome", **{**WELCOME, **fields})
        return hello

    async def join(self, epoch: str = "k3", offset: int = 0, **fields: Any) -> Frame:
        """Receive a join and answer it."""
        join = await self.receive("join")
        answer = {"room": join["room"], "epoch": epoch, "offset": offset, **fields}
        await self.send("joined", id=join["id"], **answer)
        return join

    async def publish(self, room: str, *offsets: int, **fields: Any) -> None:
        """Send publications whose data is their offset."""
        for offset in offsets:
            plain = {"room": room, "offset": offset, "time": 1_795_176_000_000, "data": offset}
            await self.send("publication", **{**plain, **fields})

    async def goodbye(self, code: int, reason: str = "a reason", **fields: Any) -> None:
        """Say goodbye, and close."""
        reconnect = code < 4500
        await self.send("goodbye", code=code, reason=reason, reconnect=reconnect, **fields)
        await self.connection.close(code, reason)

    async def lose(self) -> None:
        """Break the line."""
        self.connection.transport.abort()
        await self.connection.wait_closed()

    async def closed(self) -> int | None:
        """The code of the client's close frame."""
        try:
            async with asyncio.timeout(TIMEOUT):
                while True:
                    self._skipped.append(json.loads(await self.connection.recv()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


class ScriptedServer:
    """Accepts connections on ``url``; a test takes them one after the other."""

    def __init__(self) -> None:
        self.url = ""
        self.status: HTTPStatus | None = None  # refuses handshakes with it
        self.location = ""  # where such a refusal redirects to
        self.handshakes = 0
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def accept(self) -> Peer:
        """The next connection."""
        async with asyncio.timeout(TIMEOUT):
            return await self._peers.get()

    async def handle(self, connection: ServerConnection) -> None:
        self._peers.put_nowait(Peer(connection))
        await connection.wait_closed()

    def answer(self, connection: ServerConnection, _request: Request) -> Response | None:
        self.handshakes += 1
        if not self.status:
            return None
        response = connection.respond(self.status, "refused")
        if self.location:
            response.headers["Location"] = self.location
        return response


@asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """A server on a free port of this machine."""
    script = ScriptedServer()
    server: Server
    async with serve(
        script.handle,
        "127.0.0.1",
        0,
        process_request=script.answer,
        subprotocols=[Subprotocol("realtime.v1")],
        compression=None,
        ping_interval=None,
        close_timeout=0.2,
    ) as server:
        [socket] = server.sockets
        script.url = f"ws://127.0.0.1:{socket.getsockname()[1]}/ws/"
        yield script


@asynccontextmanager
async def welcomed(
    script: ScriptedServer, *, welcome: Frame | None = None, **options: Any
) -> AsyncIterator[tuple[RealtimeClient, Peer]]:
    """A client that has been welcomed, and the server's side of its connection."""
    client = RealtimeClient(script.url, **{"backoff": AT_ONCE, **options})
    entering = asyncio.create_task(client.__aenter__())
    peer = await script.accept()
    await peer.welcome(**(welcome or {}))
    await entering
    try:
        yield client, peer
    finally:
        await client.__aexit__(None, None, None)
