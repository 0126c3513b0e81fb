"""The load generator, a process of its own: opens connections and answers their pings.

    python -m benchmarks.load URL DIALECT LIFETIME

It reads one JSON order per line and answers each with one line:

    {"open": 1000}    {"opened": 1000, "seconds": 1.8}      every one welcomed
    {"count": true}   {"beats": 2000, "lost": 0}            since the start
    {"close": true}   {"beats": 0, "lost": 0}               all closed, counts begin anew

It speaks to this machine only, opens at most MAX_CONNECTIONS, and ends after LIFETIME
seconds or with its standard input, whichever comes first.
"""

import asyncio
import ipaddress
import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

MAX_CONNECTIONS = 20_000
AT_ONCE = 50  # handshakes under way
WELCOME_TIMEOUT = 30.0

Frame = dict[str, Any]
HELLO: Frame = {"type": "hello", "protocol": 1, "client": "benchmark"}


class Client(WSListener):
    """One connection. ``ready`` is done once the server has let it in."""

    subprotocols: str | None = None

    def __init__(self, load: "Load") -> None:
        self._load = load
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: WSTransport
        self.closing = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.greet()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self.read(msgspec.json.decode(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.closing:
            self._load.lost += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was welcomed"))

    def greet(self) -> None:
        """Say what the protocol wants said first."""
        raise NotImplementedError

    def read(self, message: Frame) -> None:
        """Serve a message."""
        raise NotImplementedError

    def say(self, message: Frame) -> None:
        """Send a message."""
        self.transport.send(WSMsgType.TEXT, msgspec.json.encode(message))

    def welcomed(self) -> None:
        """The server has let it in."""
        if not self.ready.done():
            self.ready.set_result(None)

    def beaten(self) -> None:
        """A ping was answered."""
        self._load.beats += 1

    def leave(self) -> None:
        """Close from this side."""
        self.closing = True
        self.transport.send_close(WSCloseCode.OK)
        self.transport.disconnect()


class RealtimeClient(Client):
    """Speaks realtime.v1: hello and welcome, then a pong for every ping."""

    subprotocols = "realtime.v1"
    pings = 0

    def greet(self) -> None:
        self.say(HELLO)

    def read(self, message: Frame) -> None:
        if message["type"] == "ping":
            self._answer(message)
        elif message["type"] == "welcome":
            self.welcomed()

    def _answer(self, ping: Frame) -> None:
        self.pings += 1
        self.say(
            {
                "type": "pong",
                "sequence": ping["sequence"],
                "timestamp": ping["timestamp"],
                "client_time": time.time_ns() // 1_000_000,
                "received": 0,
                "ping_count": self.pings,
            }
        )
        self.beaten()


class UsualClient(Client):
    """Speaks what the usual consumer speaks: it is in at once, and a pong is a pong."""

    def greet(self) -> None:
        self.welcomed()

    def read(self, message: Frame) -> None:
        if message["type"] == "ping":
            self.say({"type": "pong", "timestamp": message["timestamp"]})
            self.beaten()


DIALECTS: dict[str, type[Client]] = {"realtime": RealtimeClient, "usual": UsualClient}


class Load:
    """All connections of this process. ``lost`` counts those that the server ended."""

    def __init__(self, url: str, dialect: type[Client]) -> None:
        self._url = url
        self._dialect = dialect
        self._clients: list[Client] = []
        self.beats = 0
        self.lost = 0

    async def obey(self, order: Frame) -> Frame:
        """Carry out an order; the answer to it."""
        if "open" in order:
            return await self.open(order["open"])
        if "close" in order:
            await self.close()
        return {"beats": self.beats, "lost": self.lost}

    async def open(self, count: int) -> Frame:
        """Open so many connections and wait until each has been let in."""
        if len(self._clients) + count > MAX_CONNECTIONS:
            raise ValueError(f"at most {MAX_CONNECTIONS} connections")
        began = time.monotonic()
        turnstile = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._enter(turnstile))
        return {"opened": count, "seconds": time.monotonic() - began}

    async def _enter(self, turnstile: asyncio.Semaphore) -> None:
        async with turnstile, asyncio.timeout(WELCOME_TIMEOUT):
            client = self._dialect(self)
            offered = self._dialect.subprotocols
            headers = {"Sec-WebSocket-Protocol": offered} if offered else None
            await ws_connect(
                lambda: client,
                self._url,
                extra_headers=headers,
                websocket_handshake_timeout=WELCOME_TIMEOUT,
            )
            await client.ready
            self._clients.append(client)

    async def close(self) -> None:
        """Close all connections; begin to count anew."""
        for client in self._clients:
            client.leave()
        for client in self._clients:
            await client.transport.wait_disconnected()
        self._clients.clear()
        self.beats = self.lost = 0


async def serve(load: Load, *, lifetime: float, answer: Callable[[Frame], None]) -> None:
    """Carry out the orders on standard input until it ends, but at most ``lifetime`` seconds."""
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with asyncio.timeout(lifetime):
        while line := await orders.readline():
            answer(await load.obey(json.loads(line)))


def stays_here(url: str) -> bool:
    """Whether the address is this machine's own."""
    return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback


def main(url: str, dialect: str, lifetime: str) -> None:
    """Run until told to stop."""
    if not stays_here(url):
        raise SystemExit(f"{url} is not on this machine")
    load = Load(url, DIALECTS[dialect])
    asyncio.run(
        serve(load, lifetime=float(lifetime), answer=lambda a: print(json.dumps(a), flush=True))
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
