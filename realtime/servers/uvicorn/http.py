"""Uvicorn's HTTP protocol with deadlines: by itself it waits for ever for a request's head."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from ..common.base import CROWDED
from ..common.read_size import AdaptiveReadSize
from ..common.timer_wheel import NOW
from .config import Config
from .transport import release, reset

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as HTTPProtocol

else:  # httptools where it is installed, h11 elsewhere
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as HTTPProtocol


# Read at a time at most: the 256 KiB that asyncio reads by itself may be 43,000 chunks.
PART = 4096

# One for all connections: what was read into it is copied before anything else is read.
part = memoryview(bytearray(PART))

MAX_HEAD = 64 * 1024  # bytes of a request's head; h11 has the same bound by itself


class TooEarly(Exception):
    """A request that comes before the one before it has its answer."""


class HTTP(HTTPProtocol, asyncio.BufferedProtocol):
    """One HTTP connection; bounds the time that a request may take to arrive."""

    config: Config
    crowded = False
    due = NOW
    turn: int | None = None
    begun = False  # whether bytes of a request have come whose head is not complete
    head: int | None = None  # bytes of such a head, where httptools parses it

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.serving = self.config.serving
        self.portion = AdaptiveReadSize(PART)
        # Of a request's head: since the first byte of it, or since nothing is under way.
        self.opened = self.heard = self.waiting_since = time.monotonic()
        self.serving.rota.add(self)
        self.crowded = self.serving.crowded(transport.get_extra_info("socket"))
        if self.crowded:
            self.loop.call_later(self.serving.limits.close_timeout, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.serving.rota.discard(self)
        super().connection_lost(exc)
        release(self.transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the transport reads into."""
        return part[: self.portion.size]

    def buffer_updated(self, nbytes: int) -> None:
        """So much of it has been read."""
        began = time.perf_counter()
        self.data_received(bytes(part[:nbytes]))
        self.portion.took(time.perf_counter() - began)

    def data_received(self, data: bytes) -> None:
        if self.crowded:
            self.transport.write(CROWDED)
            self.transport.close()
            return
        self.heard = time.monotonic()
        if not self.begun:
            self.begun, self.waiting_since = True, self.heard
        if self.head is not None:
            self.head += len(data)
        if self.head is not None and self.head > MAX_HEAD:
            self.send_400_response("The head of this request is too large.")
        else:
            super().data_received(data)

    # Httptools calls these two. h11 waits by itself until a request has its answer.

    def on_message_begin(self) -> None:
        """Stop the parser at a request that is too early: uvicorn would keep any number of them,
        begin a handshake within the answer, and no longer tell its view of the end."""
        if self.busy:
            raise TooEarly
        self.head = 0
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        """From here on it is a body."""
        self.head = None
        super().on_headers_complete()  # type: ignore[misc]

    def handle_websocket_upgrade(self, *request: Any) -> None:
        """From here on the WebSocket has its own deadlines. And let go of httptools' parser, which
        knows this protocol and would keep it alive: in a turn of its own, it may be parsing now."""
        self.serving.rota.discard(self)
        super().handle_websocket_upgrade(*request)
        self.loop.call_soon(self._part)

    def _part(self) -> None:
        self.parser: Any = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, where no answer has begun."""
        if self.busy and not self.cycle.more_body:
            self.shutdown()  # too early: this answer is the last
        elif self.cycle is not None and self.cycle.more_body and self.cycle.response_started:
            self.abort()
        else:
            if self.busy:
                self.cycle.disconnected = True  # what its view says now is too late
            super().send_400_response(msg)

    def on_response_complete(self) -> None:
        self.begun, self.waiting_since = False, time.monotonic()
        super().on_response_complete()

    @property
    def busy(self) -> bool:
        """Whether an application has a request and has not answered it."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def arriving(self) -> bool:
        """Whether its first request is on the way, or may be: it is young."""
        young = time.monotonic() - self.opened < self.serving.limits.arrival_timeout
        return young and self.cycle is None

    def check(self, now: float) -> None:
        """Drop the connection if a request does not come to its end, or none begins."""
        limits = self.serving.limits
        if self.busy:
            coming = self.cycle.more_body and not self.flow.read_paused
            if coming and now - self.heard > limits.idle_timeout:
                self.abort()
        elif not self.begun and now - self.waiting_since > limits.idle_timeout:
            self.transport.close()  # not abort: its last answer may still be on its way
        elif self.begun and now - self.waiting_since > limits.handshake_timeout:
            self.abort()

    def refuse(self) -> None:
        """End what has no answer under way: idle connections and half-sent requests."""
        if self.busy and self.cycle.more_body:
            self.abort()
        else:
            self.shutdown()

    finish = refuse

    def abort(self) -> None:
        """Break the connection now."""
        reset(self.transport)
