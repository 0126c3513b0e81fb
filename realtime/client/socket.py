"""One WebSocket, from hello to its end. The client makes a new one for every attempt."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from realtime.protocol.codes import CloseCode, reason_for
from realtime.protocol.heartbeat import Dead, SendPing

from .clock import elapsed
from .watch import LineWatch

Frame = dict[str, Any]

LEAVING = 1.0  # seconds for the last frame, and for the close, if the line takes no more

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The end of a connection or of an attempt: ``code`` is the server's, 1006 if it sent none;
    ``delay`` its window for the return, in ms. ``permanent``: trying again would not help a client
    that was never welcome. ``timed_out``: the line may be slow."""

    code: int
    reason: str
    delay: Any = None
    permanent: bool = False
    timed_out: bool = False


class SocketListener(Protocol):
    """The owner of a connection. All of it is called in the task that reads, and must not raise."""

    def on_welcome(self, welcome: Frame) -> None:
        """The server has accepted the hello."""

    def on_frame(self, frame: Frame, size: int) -> None:
        """A frame about rooms, messages, requests or the login; ``size`` in bytes."""

    def on_bytes(self, data: bytes) -> None:
        """A binary frame of the application."""


class PublicationCount:
    """Counts the publications of one connection, and acknowledges after each quarter of the
    server's window, so that the server never has to pause."""

    def __init__(self, welcome: Frame) -> None:
        self._quarter: float = welcome["window"] / 4
        self._quarter_bytes: float = welcome["window_bytes"] / 4
        self._acknowledged = 0
        self._bytes = 0
        self.received = 0

    def add(self, size: int) -> bool:
        """Count a publication of so many bytes; return whether to acknowledge now."""
        self.received += 1
        self._bytes += size
        count = self.received - self._acknowledged
        return count >= self._quarter or self._bytes >= self._quarter_bytes

    def acknowledge(self) -> int:
        """Return the number since the welcome, which the caller sends now."""
        self._bytes = 0
        self._acknowledged = self.received
        return self.received


class ClientSocket:
    """A WebSocket after its handshake. :meth:`run` reads it to its end; other methods may be called
    meanwhile, from the same event loop."""

    def __init__(self, websocket: ClientConnection, listener: SocketListener) -> None:
        self._websocket = websocket
        self._listener = listener
        self._outgoing: asyncio.Queue[Frame] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._count: PublicationCount | None = None  # set by the welcome
        self._watch: LineWatch | None = None
        self._welcomed = asyncio.timeout(None)
        self._end: LineEnd | None = None
        self._pings_sent = self._pings_answered = 0

    async def run(self, hello: Frame, *, within: float) -> LineEnd:
        """Say hello, and read until the connection ends. The welcome has to come ``within`` so many
        seconds."""
        self.send(hello)
        self._tasks.append(asyncio.create_task(self._write(), name="realtime-client-write"))
        self._welcomed = asyncio.timeout(within)
        try:
            async with self._welcomed:
                end = await self._read()
        except TimeoutError:
            end = LineEnd(CloseCode.LOST, f"no welcome within {within:g} s", timed_out=True)
        finally:
            await self._stop()
        return end

    def send(self, frame: Frame) -> None:
        """Send a frame after those before it. Frames that a lost connection leaves are dropped."""
        self._outgoing.put_nowait(frame)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame. Raises websockets' ConnectionClosed."""
        await self._websocket.send(data)

    async def leave(self) -> None:
        """Say bye and close; :meth:`run` returns then."""
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self._websocket.send(_encoder.encode({"type": "bye"}), text=True)
        await self._close()

    async def _read(self) -> LineEnd:
        try:
            while self._end is None:
                self._on_data(await self._websocket.recv())
        except ConnectionClosed as closed:
            return self._end or end_of(closed)
        return self._end

    async def _write(self) -> None:
        with suppress(ConnectionClosed):  # which ends the reader as well
            while True:
                frame = await self._outgoing.get()
                await self._websocket.send(_encoder.encode(frame), text=True)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            await self._close()
        finally:
            await asyncio.wait(self._tasks)
        for task in self._tasks:
            if not task.cancelled():
                task.result()

    async def _close(self) -> None:
        """Close in bounded time: on a line that takes nothing, websockets waits without a bound."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    await self._websocket.close()
        finally:
            self._websocket.transport.abort()

    def _on_data(self, data: str | bytes) -> None:
        if self._watch:
            self._watch.on_frame(elapsed())
        if isinstance(data, bytes):
            if self._count:
                self._listener.on_bytes(data)
            return
        raw = data.encode()
        try:
            frame = _decoder.decode(raw)
        except msgspec.DecodeError:
            return  # not of this protocol
        if isinstance(frame, dict) and isinstance(frame.get("type"), str):
            self._on_frame(frame, len(raw))

    def _on_frame(self, frame: Frame, size: int) -> None:
        match frame["type"]:
            case "welcome":
                self._on_welcome(frame)
            case "ping":
                self._on_ping(frame)
            case "goodbye":
                reason = frame.get("reason") or reason_for(frame["code"])
                self._end = LineEnd(frame["code"], reason, frame.get("delay"))
            case kind if self._count:
                if kind == "publication" and self._count.add(size):
                    self.send({"type": "received", "count": self._count.acknowledge()})
                self._listener.on_frame(frame, size)

    def _on_welcome(self, welcome: Frame) -> None:
        if self._count:
            return
        self._welcomed.reschedule(None)
        self._count = PublicationCount(welcome)
        watch = LineWatch(
            ping_interval=welcome["ping_interval"] / 1000,
            pong_timeout=welcome["pong_timeout"] / 1000,
            now=elapsed(),
        )
        self._watch = watch
        name = "realtime-client-watch"
        self._tasks.append(asyncio.create_task(self._keep_watch(watch), name=name))
        self._listener.on_welcome(welcome)

    def _on_ping(self, ping: Frame) -> None:
        self._pings_answered += 1
        pong = {
            "type": "pong",
            "sequence": ping["sequence"],
            "timestamp": ping.get("timestamp", ""),
            "client_time": round(time.time() * 1000),
            "received": self._count.acknowledge() if self._count else 0,
            "ping_count": self._pings_answered,
        }
        self.send(pong)

    async def _keep_watch(self, watch: LineWatch) -> None:
        while True:
            await asyncio.sleep(watch.wait(elapsed()))
            match watch.tick(elapsed()):
                case SendPing():
                    self._pings_sent += 1
                    client_time = round(time.time() * 1000)
                    ping = {"sequence": self._pings_sent, "client_time": client_time}
                    self.send({"type": "ping", **ping})
                case Dead():
                    self._end = LineEnd(CloseCode.LOST, "the server does not answer")
                    self._websocket.transport.abort()
                    return


def end_of(closed: ConnectionClosed) -> LineEnd:
    """Return the end that the server's close frame names, or 1006 without one."""
    if closed.rcvd is None:
        return LineEnd(CloseCode.LOST, reason_for(CloseCode.LOST))
    return LineEnd(closed.rcvd.code, closed.rcvd.reason or reason_for(closed.rcvd.code))
