"""Uvicorn's HTTP protocol with deadlines: left alone it waits for ever for a request's head."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from ..common.descriptors import UNAVAILABLE_RESPONSE
from ..common.read_size import AdaptiveReadSize
from ..common.timer_wheel import NOW
from .config import Config
from .transport import release, reset

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as HTTPProtocol

else:  # httptools where it is installed, h11 elsewhere
    from uvicorn.protocols.http.auto import AutoHTTPProtocol as HTTPProtocol


# Bytes read at a time at most: the 256 KiB that asyncio reads may be 43,000 chunks.
READ_SIZE = 4096

# One for all connections: its bytes are copied before the next read.
read_buffer = memoryview(bytearray(READ_SIZE))

MAX_HEAD = 64 * 1024  # bytes of a request's head, as in h11


class TooEarly(Exception):
    """A pipelined request, which comes before the answer to the one before it."""


class UvicornHTTP(HTTPProtocol, asyncio.BufferedProtocol):
    """One HTTP connection; bounds the time that a request may take to arrive."""

    config: Config
    refused = False  # whether every request gets UNAVAILABLE_RESPONSE
    due = NOW
    bucket: int | None = None
    begun = False  # whether a request has begun whose head is not complete
    head: int | None = None  # bytes of such a head, where httptools parses it

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.lifecycle = self.config.lifecycle
        self.read_size = AdaptiveReadSize(READ_SIZE)
        # Of a request's head: since its first byte, or since no request is under way.
        self.connected_at = self.received_at = self.waiting_since = time.monotonic()
        self.lifecycle.timers.add(self)
        self.refused = self.lifecycle.descriptors.reached_by(transport.get_extra_info("socket"))
        if self.refused:
            self.loop.call_later(self.lifecycle.limits.close_timeout, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lifecycle.timers.discard(self)
        super().connection_lost(exc)
        release(self.transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """The buffer that the transport reads into."""
        return read_buffer[: self.read_size.size]

    def buffer_updated(self, nbytes: int) -> None:
        """``nbytes`` of the buffer have been read."""
        began = time.perf_counter()
        self.data_received(bytes(read_buffer[:nbytes]))
        self.read_size.record(time.perf_counter() - began)

    def data_received(self, data: bytes) -> None:
        if self.refused:
            self.transport.write(UNAVAILABLE_RESPONSE)
            self.transport.close()
            return
        self.received_at = time.monotonic()
        if not self.begun:
            self.begun, self.waiting_since = True, self.received_at
        if self.head is not None:
            self.head += len(data)
        if self.head is not None and self.head > MAX_HEAD:
            self.send_400_response("The head of this request is too large.")
        else:
            super().data_received(data)

    # Httptools calls these two. h11 waits by itself until a request has its answer.

    def on_message_begin(self) -> None:
        """Stop the parser at a request that is too early: uvicorn would keep any number of them,
        begin a handshake within the answer, and not report the end to its view any more."""
        if self.busy:
            raise TooEarly
        self.head = 0
        super().on_message_begin()  # type: ignore[misc]

    def on_headers_complete(self) -> None:
        """The head is complete; a body follows."""
        self.head = None
        super().on_headers_complete()  # type: ignore[misc]

    def handle_websocket_upgrade(self, *request: Any) -> None:
        """Hand over to the WebSocket, which has its own deadlines, and drop httptools' parser,
        which would keep this protocol alive: in a later turn, since it may be parsing now."""
        self.lifecycle.timers.discard(self)
        super().handle_websocket_upgrade(*request)
        self.loop.call_soon(self._drop_parser)

    def _drop_parser(self) -> None:
        self.parser: Any = None

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed request, unless an answer has begun."""
        if self.busy and not self.cycle.more_body:
            self.shutdown()  # too early: this answer is the last
        elif self.cycle is not None and self.cycle.more_body and self.cycle.response_started:
            self.abort()
        else:
            if self.busy:
                self.cycle.disconnected = True  # the view's own answer comes too late
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
        """Whether its first request is on the way, or may be: the connection is young."""
        young = time.monotonic() - self.connected_at < self.lifecycle.limits.arrival_timeout
        return young and self.cycle is None

    def check_deadlines(self, now: float) -> None:
        """Drop the connection if a request does not come to its end, or none begins."""
        limits = self.lifecycle.limits
        if self.busy:
            awaits_body = self.cycle.more_body and not self.flow.read_paused
            if awaits_body and now - self.received_at > limits.idle_timeout:
                self.abort()
        elif not self.begun and now - self.waiting_since > limits.idle_timeout:
            self.transport.close()  # not abort: its last answer may still be on its way
        elif self.begun and now - self.waiting_since > limits.handshake_timeout:
            self.abort()

    def refuse(self) -> None:
        if self.busy and self.cycle.more_body:
            self.abort()
        else:
            self.shutdown()

    finish = refuse

    def abort(self) -> None:
        reset(self.transport)
