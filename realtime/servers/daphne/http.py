"""Daphne's transport and its HTTP half, with bounds and deadlines.

Facts about the versions this is written for (daphne 4.2, Twisted 26.10) stand
where they matter. Times are monotonic seconds.
"""

# Installs the asyncio reactor; has to come before anything else of Twisted.
import daphne.server  # noqa: F401  # isort:skip

import asyncio
import time
from collections.abc import Callable
from typing import Any

from daphne import http_protocol
from twisted.internet import tcp
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http

from ..common.base import CROWDED, HIGH_WATER, LOW_WATER, ServerLimits
from ..common.read_size import AdaptiveReadSize
from ..common.timer_wheel import NOW

# Where autobahn does not look for an Origin; no client has sent it since the RFC's drafts.
HIDDEN_ORIGIN = b"sec-websocket-origin"

PIECES = 512  # of a list of bytes, before they are joined: each costs 40 bytes of its own


def _nothing() -> None:
    """Nobody has to know."""


def shown(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a handshake as they came."""
    return [(b"origin" if name == HIDDEN_ORIGIN else name, value) for name, value in headers]


def asks_for_websocket(headers: Any) -> bool:
    """Whether daphne makes a handshake of this request; it serves any other upgrade as HTTP."""
    upgrade: bytes = headers.getRawHeaders(b"upgrade", [b""])[0]
    return upgrade.lower() == b"websocket"


class Transport(tcp.Server):
    """An accepted connection that its server knows from beginning to end."""

    protocol: Any
    bufferSize = 8 * 1024  # read at a time at most: autobahn copies the rest of it for every frame
    full = False  # whether the reactor has something to do here once the kernel takes more

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._portion = AdaptiveReadSize(self.bufferSize)
        self._room: asyncio.Event | None = None  # set when there is room again
        self.changed: Callable[[], object] = _nothing  # called when ``full`` has changed
        factory: Any = self.server.factory
        self._known: set[Transport] = factory.server.transports
        self._known.add(self)

    def connectionLost(self, reason: Failure) -> None:
        self._known.discard(self)
        super().connectionLost(reason)
        self._make_room()

    def doRead(self) -> Any:
        began = time.perf_counter()
        result = super().doRead()
        self._portion.took(time.perf_counter() - began)
        self.bufferSize = self._portion.size
        return result

    # What goes out

    def startWriting(self) -> None:
        self._turn(full=True)
        super().startWriting()  # type: ignore[no-untyped-call]

    def stopWriting(self) -> None:
        self._turn(full=False)
        super().stopWriting()  # type: ignore[no-untyped-call]

    def _turn(self, *, full: bool) -> None:
        if self.full != full:
            self.full = full
            self.changed()

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        buffered: int = len(self.dataBuffer) - self.offset + self._tempDataLen
        return buffered

    def send(self, data: bytes) -> None:
        """Write at once where nothing waits before it; a turn of Twisted's buffer costs 20 µs."""
        if self.full or not self.connected:
            self.write(data)  # type: ignore[no-untyped-call]
            if len(self._tempDataBuffer) >= PIECES:
                self._tempDataBuffer = [b"".join(self._tempDataBuffer)]
            return
        taken = self.writeSomeData(data)
        # If the connection is lost, the reactor finds out when it tries the rest.
        sent = taken if isinstance(taken, int) else 0
        if sent < len(data):
            self.write(data[sent:])  # type: ignore[no-untyped-call]

    async def drained(self) -> None:
        """Wait while too much is unsent; until the end of the connection at most."""
        while self.unsent > HIGH_WATER and self.connected:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()

    def doWrite(self) -> Any:
        result = super().doWrite()  # type: ignore[no-untyped-call]
        self._make_room()
        return result

    def _make_room(self) -> None:
        if self._room is not None and (self.unsent <= LOW_WATER or not self.connected):
            self._room.set()
            self._room = None


class Request(http_protocol.WebRequest):
    """A request whose application may end without an answer."""

    def process(self) -> Any:
        """After an upgrade the WebSocket has its own deadlines, and the request parts from the
        channel: neither ends by itself, and each knows the other. In a turn of its own, since
        the channel is parsing now."""
        self._prepare_headers()
        done = super().process()
        if self.transport is None:  # the WebSocket has it
            self.channel.factory.server.rota.discard(self.channel)
            asyncio.get_running_loop().call_soon(self.channel.requests.remove, self)
        return done

    def _prepare_headers(self) -> None:
        """Join what daphne would join wrongly, and hide what autobahn would judge by itself.

        Daphne joins the lines of a handshake's header with a comma, cookies as well. Autobahn
        refuses an Origin without a host, such as ``qrc://``: the application decides that.
        """
        headers = self.requestHeaders
        if cookies := headers.getRawHeaders(b"cookie"):
            headers.setRawHeaders(b"cookie", [b"; ".join(cookies)])
        headers.removeHeader(HIDDEN_ORIGIN)
        if asks_for_websocket(headers) and (origins := headers.getRawHeaders(b"origin")):
            headers.removeHeader(b"origin")
            headers.setRawHeaders(HIDDEN_ORIGIN, [b", ".join(origins)])

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived and an application has it."""
        return self.application_queue is not None

    async def drained(self) -> None:
        """Wait while too much of the answer is unsent."""
        if self.channel is not None:
            await self.channel.transport.drained()

    def application_ended(self, _error: BaseException | None) -> None:
        """Answer 500, or cut off what has begun: daphne raises there, in its clean-up loop."""
        if self.finished or self.channel is None:
            return
        if self._response_started:
            self.transport.abortConnection()
        else:
            self.basic_error(500, b"Internal Server Error", "Exception inside application.")


class Channel(http.HTTPChannel):
    """One HTTP connection; bounds the time a request's head may take.

    Twisted's own timeout starts again with every byte.
    """

    transport: Any
    abortTimeout: Any = None  # it would cut off who still reads; the kernel sees to the others
    crowded = False
    due = NOW
    turn: int | None = None
    answered = False  # whether there was a request that has come to its end

    def connectionMade(self) -> None:
        # Of a request's head: since the first byte of it, or since nothing is under way.
        self.opened = self.waiting_since = time.monotonic()
        self.factory.server.rota.add(self)
        super().connectionMade()  # type: ignore[no-untyped-call]
        if self.factory.server.crowded(self.transport.socket):
            self.crowded = True
            patience = self.factory.server.limits.close_timeout
            asyncio.get_running_loop().call_later(patience, self.abort)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.server.rota.discard(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        if self.crowded:
            self.transport.write(CROWDED)
            self.loseConnection()  # type: ignore[no-untyped-call]
            return
        if not self.begun:
            self.waiting_since = time.monotonic()
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:
        """Refuse a handshake with a body: daphne would keep all of it, then read it at once."""
        super().allHeadersReceived()  # type: ignore[no-untyped-call]
        if asks_for_websocket(self.requests[-1].requestHeaders) and self.length != 0:
            self._respondToBadRequestAndDisconnect()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        self.answered, self.waiting_since = True, time.monotonic()
        super().requestDone(request)  # type: ignore[no-untyped-call]

    @property
    def begun(self) -> bool:
        """Whether a request is under way, were it only a part of its head."""
        return bool(self.requests or self._buffer)

    @property
    def arriving(self) -> bool:
        """Whether its first request is on the way, or may be: it is young."""
        limits: ServerLimits = self.factory.server.limits
        young = time.monotonic() - self.opened < limits.arrival_timeout
        return young and not self.answered

    def check(self, now: float) -> None:
        """Drop the connection if the head of a request does not come to its end, or none begins."""
        if any(request.content is not None for request in self.requests):
            return  # the body has Twisted's idle timeout
        limits: ServerLimits = self.factory.server.limits
        if not self.begun and now - self.waiting_since > limits.idle_timeout:
            # Not abort: its last answer may still be on its way.
            self.loseConnection()  # type: ignore[no-untyped-call]
        elif self.begun and now - self.waiting_since > limits.handshake_timeout:
            self.abort()

    def refuse(self) -> None:
        """End what has no answer under way: idle connections and half-sent requests."""
        if not self.requests:
            self.loseConnection()  # type: ignore[no-untyped-call]
        elif not self.requests[-1].complete:
            self.abort()

    finish = refuse

    def abort(self) -> None:
        """Break the connection now."""
        self.transport.abortConnection()


class HTTPFactory(http_protocol.HTTPFactory):
    """Builds plain HTTP/1.1 channels: HTTP/2 needs TLS, which a proxy in front does."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Channel:
        channel: Channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
