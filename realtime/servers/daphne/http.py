"""Daphne's HTTP protocol with bounds and deadlines, for daphne 4.2 and Twisted 26.10.

Times are monotonic seconds.
"""

import asyncio
import time
from typing import Any

from daphne import http_protocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http

from ..common.descriptors import UNAVAILABLE_RESPONSE
from ..common.limits import ServerLimits
from ..common.timer_wheel import NOW

# Autobahn does not look for an Origin here, and no client has sent it since the RFC's drafts.
HIDDEN_ORIGIN = b"sec-websocket-origin"


def original_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a handshake as the client sent them: with the Origin shown again."""
    return [(b"origin" if name == HIDDEN_ORIGIN else name, value) for name, value in headers]


def requests_websocket(headers: Any) -> bool:
    """Whether daphne treats the request as a handshake; it serves any other upgrade as HTTP."""
    upgrade: bytes = headers.getRawHeaders(b"upgrade", [b""])[0]
    return upgrade.lower() == b"websocket"


class Request(http_protocol.WebRequest):
    """A request whose application may end without an answer."""

    def process(self) -> Any:
        """After an upgrade take the channel's deadlines and references away.

        The WebSocket has deadlines of its own, and request and channel know each other and
        neither ends by itself. They part in a later turn, since the channel is parsing now.
        """
        self._prepare_headers()
        done = super().process()
        if self.transport is None:  # the WebSocket has it
            self.channel.factory.server.timers.discard(self.channel)
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
        if requests_websocket(headers) and (origins := headers.getRawHeaders(b"origin")):
            headers.removeHeader(b"origin")
            headers.setRawHeaders(HIDDEN_ORIGIN, [b", ".join(origins)])

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived and an application has it."""
        return self.application_queue is not None

    async def wait_writable(self) -> None:
        """Wait while too much of the answer is unsent."""
        if self.channel is not None:
            await self.channel.transport.wait_writable()

    def application_ended(self, _error: BaseException | None) -> None:
        """Answer 500, or cut off an answer that has begun: daphne raises there, in its clean-up
        loop."""
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
    abortTimeout: Any = None  # it would cut off slow readers; the kernel drops dead ones
    refused = False  # whether every request gets UNAVAILABLE_RESPONSE
    due = NOW
    bucket: int | None = None
    answered = False  # whether a request has been answered

    def connectionMade(self) -> None:
        # Of a request's head: since its first byte, or since no request is under way.
        self.connected_at = self.waiting_since = time.monotonic()
        self.factory.server.timers.add(self)
        super().connectionMade()  # type: ignore[no-untyped-call]
        if self.factory.server.descriptors.reached_by(self.transport.socket):
            self.refused = True
            timeout = self.factory.server.limits.close_timeout
            asyncio.get_running_loop().call_later(timeout, self.abort)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.server.timers.discard(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            self.transport.write(UNAVAILABLE_RESPONSE)
            self.loseConnection()  # type: ignore[no-untyped-call]
            return
        if not self.begun:
            self.waiting_since = time.monotonic()
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:
        """Refuse a handshake with a body: daphne would keep all of it, then read it at once."""
        super().allHeadersReceived()  # type: ignore[no-untyped-call]
        if requests_websocket(self.requests[-1].requestHeaders) and self.length != 0:
            self._respondToBadRequestAndDisconnect()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        self.answered, self.waiting_since = True, time.monotonic()
        super().requestDone(request)  # type: ignore[no-untyped-call]

    @property
    def begun(self) -> bool:
        """Whether a request is under way, even if only a part of its head."""
        return bool(self.requests or self._buffer)

    @property
    def arriving(self) -> bool:
        """Whether its first request is on the way, or may be: the connection is young."""
        limits: ServerLimits = self.factory.server.limits
        young = time.monotonic() - self.connected_at < limits.arrival_timeout
        return young and not self.answered

    def check_deadlines(self, now: float) -> None:
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
        if not self.requests:
            self.loseConnection()  # type: ignore[no-untyped-call]
        elif not self.requests[-1].complete:
            self.abort()

    finish = refuse

    def abort(self) -> None:
        self.transport.abortConnection()


class HTTPFactory(http_protocol.HTTPFactory):
    """Builds plain HTTP/1.1 channels: HTTP/2 needs TLS, which a proxy in front does."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Channel:
        channel: Channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
