"""Daphne's protocols with the behaviour a long-lived connection needs.

Facts about the versions this is written for (daphne 4.2, autobahn 26.10,
Twisted 26.10) stand where they matter. Times are monotonic seconds.
"""

# Installs the asyncio reactor; has to come before anything else of Twisted.
import daphne.server  # noqa: F401  # isort:skip

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

from autobahn.websocket.types import ConnectionDeny
from daphne import http_protocol, ws_protocol
from twisted.internet import tcp
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web import http

from realtime.servers.base import Limits, check_close_code, close_reason

if TYPE_CHECKING:
    from realtime.servers.daphne import Server

GOING_AWAY = 1001
NO_STATUS = 1005
INTERNAL_ERROR = 1011


def denied(code: int, reason: str) -> Exception:
    """What autobahn wants raised to answer a handshake with an HTTP error."""
    refusal: Exception = ConnectionDeny(code, reason)  # type: ignore[no-untyped-call]
    return refusal


class Transport(tcp.Server):
    """An accepted connection that its server knows from beginning to end."""

    protocol: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        factory: Any = self.server.factory
        self._known: set[Transport] = factory.server.transports
        self._known.add(self)

    def connectionLost(self, reason: Failure) -> None:
        self._known.discard(self)
        super().connectionLost(reason)


class Request(http_protocol.WebRequest):
    """A request whose application may end without an answer."""

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived and an application has it."""
        return self.application_queue is not None

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
    waiting_since: float | None = None

    def connectionMade(self) -> None:
        self.opened = time.monotonic()
        super().connectionMade()  # type: ignore[no-untyped-call]

    @property
    def arriving(self) -> bool:
        """Whether it is so young that its first request may be on the way."""
        limits: Limits = self.factory.server.limits
        return time.monotonic() - self.opened < limits.arrival_timeout

    def check(self, now: float) -> None:
        """Drop the connection if the head of a request does not come to its end."""
        if any(request.content is not None for request in self.requests):
            self.waiting_since = None  # the body has Twisted's idle timeout
        elif self.waiting_since is None:
            self.waiting_since = now
        elif now - self.waiting_since > self._patience():
            self.transport.abortConnection()

    def _patience(self) -> float:
        limits: Limits = self.factory.server.limits
        begun = self.requests or self._buffer
        return limits.handshake_timeout if begun else limits.idle_timeout

    def refuse(self) -> None:
        """End what has no answer under way: idle connections and half-sent requests."""
        if not self.requests:
            self.loseConnection()  # type: ignore[no-untyped-call]
        elif not self.requests[-1].complete:
            self.transport.abortConnection()

    finish = refuse


class WebSocketProtocol(ws_protocol.WebSocketProtocol):
    """A WebSocket with close codes, pings and an end in bounded time."""

    server: "Server"
    handshake_deferred: Deferred[Any]

    def connectionMade(self) -> None:
        self.opened = self.heard = time.monotonic()
        self.pinged: float | None = None
        self.ping_payload = b""
        self.abort_call: asyncio.TimerHandle | None = None
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        if self.abort_call is not None:
            self.abort_call.cancel()
        super().connectionLost(reason)

    def onConnect(self, request: Any) -> Any:
        if self.server.draining:
            raise denied(503, "Service Unavailable")
        return super().onConnect(request)

    # What arrives

    def dataReceived(self, data: bytes) -> None:
        if self.failedByMe:
            return  # read and thrown away: closing with unread bytes would reset the connection
        if self.answering:
            # Daphne would parse it as a second handshake, and keep it until then.
            self.deny(400, "Bad Request")
        else:
            super().dataReceived(data)

    def onMessageFrameData(self, payload: bytes) -> None:
        # A part of a frame counts: within a large one the client cannot answer a ping.
        self.heard, self.pinged = time.monotonic(), None
        super().onMessageFrameData(payload)

    def onPong(self, payload: bytes) -> None:
        if payload == self.ping_payload:
            self.heard, self.pinged = time.monotonic(), None

    def onClose(self, _clean: bool, code: int | None, reason: str | None) -> None:
        if self not in self.server.connections:
            return  # refused before there was an application; daphne raises here
        self.server.protocol_disconnected(self)
        if self.failedByMe:
            code, reason = self.localCloseCode, self.wasNotCleanReason
        event = {"type": "websocket.disconnect", "code": code or NO_STATUS, "reason": reason or ""}
        self.application_queue.put_nowait(event)
        self._log("disconnected")

    # What the application says

    def handle_reply(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.close" and self.state != self.STATE_CONNECTING:
            # Daphne drops the reason and raises for 1001 … 2999.
            code = message.get("code")
            reason = message.get("reason") or ""
            self.close(check_close_code(1000 if code is None else code), reason)
            return
        if kind == "websocket.accept":
            self._check_subprotocol(message.get("subprotocol"))
        super().handle_reply(message)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        # Autobahn's sendMessage holds what is sent to the limit of what is accepted.
        if self.state == self.STATE_OPEN:
            payload = content if binary else content.encode()
            self.sendFrame(opcode=2 if binary else 1, payload=payload)

    def _check_subprotocol(self, subprotocol: str | None) -> None:
        # Autobahn raises where nobody sees it, and the handshake hangs.
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")

    def application_ended(self, error: BaseException | None) -> None:
        """Nobody is left to serve this connection: end it now."""
        if self.state == self.STATE_CONNECTING:
            self.deny(500, "Internal Server Error")
        else:
            self.close(1000 if error is None else INTERNAL_ERROR)

    # The end

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; drop the transport if no answer comes in time. No-op when closing."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code, close_reason(reason))
            self._abort_later()

    def deny(self, code: int, reason: str) -> None:
        """Answer the handshake with an HTTP error."""
        if not self.answering:
            self.dropConnection(abort=True)
            return
        deferred = self.handshake_deferred
        del self.handshake_deferred
        deferred.errback(denied(code, reason))
        self.server.protocol_disconnected(self)
        self._log("rejected")

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        # A malformed Origin never reaches the application, which answers a foreign one with 403.
        if reason.startswith("HTTP Origin header invalid"):
            code, reason = 403, "Forbidden"
        super().failHandshake(reason, code, responseHeaders)

    @property
    def arriving(self) -> bool:
        """Whether its handshake is under way."""
        connecting: bool = self.state == self.STATE_CONNECTING
        return connecting

    @property
    def answering(self) -> bool:
        """Whether the application has been asked and has not answered the handshake."""
        return "handshake_deferred" in self.__dict__

    def _fail_connection(self, code: int = GOING_AWAY, reason: str = "going away") -> None:
        """Say what was wrong, then listen to nothing more.

        Autobahn either resets the connection, and the client sees 1006, or
        goes on parsing what can no longer be parsed. RFC 6455, 7.1.7 and 7.1.1:
        a close frame, half-close, and read until the peer closes.
        """
        if self.state != self.STATE_OPEN:
            self.dropConnection(abort=True)
            return
        self.failedByMe = True
        self.wasNotCleanReason = reason
        self.data = b""
        self.close(code, reason)
        self.unregisterProducer()
        self.transport.loseWriteConnection()

    def _closeConnection(self, abort: bool = False) -> None:
        """Never wait longer for a transport than for a close frame: its window may be shut.

        After both close frames an ordinary end will do, where autobahn resets.
        """
        if abort and not self.wasClean:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()
            self._abort_later()

    def _abort_later(self) -> None:
        # Not autobahn's timer: it cuts its deadline down to a whole second of
        # the clock, so that one second means anything between none and one.
        if self.abort_call is None:
            delay = self.server.limits.close_timeout
            abort = self.transport.abortConnection
            self.abort_call = asyncio.get_running_loop().call_later(delay, abort)

    # Deadlines

    def check(self, now: float) -> None:
        """Ping, or give up. Raises nothing that is not a fault in here."""
        if self.state == self.STATE_OPEN:
            self._check_ping(now, self.server.limits)
        elif now - self.opened > self.server.limits.handshake_timeout:
            self.refuse()

    def _check_ping(self, now: float, limits: Limits) -> None:
        # One ping at a time. Daphne sends the next while one is pending, and
        # then drops a client that answers within the timeout.
        if self.pinged is not None:
            if now - self.pinged > limits.ping_timeout:
                self.wasNotCleanReason = "no pong in time"
                self.dropConnection(abort=True)
        elif now - self.heard > limits.ping_interval:
            self.pinged, self.ping_payload = now, os.urandom(4)
            self.sendPing(self.ping_payload)

    def refuse(self) -> None:
        """Turn a handshake that has no answer yet away: it is late, or a drain has begun."""
        if self.state == self.STATE_CONNECTING:
            self.deny(503, "Service Unavailable")

    def finish(self) -> None:
        """At the end of a drain: close what the application has not closed."""
        self.refuse()
        self.close(GOING_AWAY, "server shutting down")

    def _log(self, action: str) -> None:
        client = "{}:{}".format(*self.client_addr) if self.client_addr else None
        self.server.log_action("websocket", action, {"path": self.request.path, "client": client})


class WebSocketFactory(ws_protocol.WebSocketFactory):
    """Builds protocols that know their server before the handshake, not only after it."""

    protocol = WebSocketProtocol

    def buildProtocol(self, addr: Any) -> WebSocketProtocol:
        protocol: WebSocketProtocol = super().buildProtocol(addr)
        protocol.server = self.server_class
        return protocol


class HTTPFactory(http_protocol.HTTPFactory):
    """Builds plain HTTP/1.1 channels: HTTP/2 needs TLS, which a proxy in front does."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Channel:
        channel: Channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel
