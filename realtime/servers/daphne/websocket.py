"""Daphne's WebSocket with the behaviour a long-lived connection needs.

Facts about the versions this is written for (daphne 4.2, autobahn 26.10,
Twisted 26.10) stand where they matter. Times are monotonic seconds.
"""

# Installs the asyncio reactor; has to come before anything else of Twisted.
import daphne.server  # noqa: F401  # isort:skip

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne import ws_protocol
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..common.base import (
    GOING_AWAY,
    INTERNAL_ERROR,
    MAX_OWED,
    NO_STATUS,
    POLICY_VIOLATION,
    check_close_code,
    close_reason,
    peer_name,
)
from ..common.lifecycle import ServerLifecycle
from ..common.raw_frames import RawFrameWriter
from ..common.receive_queue import ReceiveQueue
from ..common.websocket_timeouts import WebSocketTimeouts
from .http import PIECES, Transport

STEPS = 512  # of autobahn's parser in one turn of the event loop: two are a frame


class WebSocketServer(ServerLifecycle):
    """What a WebSocket needs of the server that it belongs to."""

    connections: dict[Any, dict[str, Any]]
    log_action: Callable[..., None]
    protocol_disconnected: Callable[[Any], None]


def denied(code: int, reason: str) -> Exception:
    """What autobahn wants raised to answer a handshake with an HTTP error."""
    refusal: Exception = ConnectionDeny(code, reason)  # type: ignore[no-untyped-call]
    return refusal


class DaphneWebSocket(WebSocketTimeouts, ws_protocol.WebSocketProtocol):
    """A WebSocket with close codes, pings, bounds and an end in bounded time."""

    server: WebSocketServer
    frame_data: list[bytes]
    handshake_deferred: Deferred[Any]
    _state: int | None = None

    def connectionMade(self) -> None:
        self.serving = self.server
        self.inbox = ReceiveQueue(self)
        self.outlet: Transport = self.transport
        self.straight = RawFrameWriter(self)
        self.outlet.changed = self.straight.settle
        self.fragments = self.steps = 0
        self.begin()
        # The HTTP channel would stop reading whenever much is unsent, pongs included.
        self.transport.unregisterProducer()
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        self.straight.end()
        self.gone()
        super().connectionLost(reason)
        self.inbox.lost()
        self.is_closed = None  # autobahn's, whose result is this protocol
        self.__dict__.pop("handshake_deferred", None)  # what an answer would go to

    @property
    def state(self) -> int | None:
        """Autobahn's; None before it has any."""
        return self._state

    @state.setter
    def state(self, value: int) -> None:
        self._state = value
        self.straight.settle()

    @property
    def open(self) -> bool:
        """Whether frames may be sent: after the handshake, before a close frame."""
        is_open: bool = self.state == self.STATE_OPEN
        return is_open

    @property
    def arriving(self) -> bool:
        """Whether its handshake is under way."""
        connecting: bool = self.state == self.STATE_CONNECTING
        return connecting

    def onConnect(self, request: Any) -> Any:
        if self.server.draining:
            self.server.lifecycle.refused("draining", "server shutting down")
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

    def processData(self) -> bool:
        if self.inbox.full or self.steps == 0:
            return False
        self.steps -= 1
        more: bool = super().processData()
        return more

    def consumeData(self) -> None:
        """Parse what has been read; of a flood a part, so that others have their turn."""
        self.steps = STEPS
        super().consumeData()
        if self.steps == 0 and not self.inbox.full:
            self.hold()
            self.go_on()

    def hold(self) -> None:
        """Read no more; what has been read already waits unparsed."""
        self.transport.pauseProducing()

    def go_on(self) -> None:
        """Parse what waits, then read again."""
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self.consumeData()
        if self.steps and not self.inbox.full:
            self.transport.resumeProducing()

    def onMessageBegin(self, isBinary: bool) -> None:
        self.fragments = 0
        super().onMessageBegin(isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        self.fragments += 1
        super().onMessageFrameBegin(length)
        if self.fragments > self.server.limits.max_fragments:
            self._fail_connection(POLICY_VIOLATION, "too many fragments")

    def onMessageFrameData(self, payload: bytes) -> None:
        self.alive()
        super().onMessageFrameData(payload)
        if len(self.frame_data) >= PIECES:
            self.frame_data = [b"".join(self.frame_data)]

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.open:
            super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        if self.outlet.unsent > MAX_OWED:
            self.abort()
        else:
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        self.answered(payload)

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
        if kind == "websocket.close" and self.arriving:
            status = HTTPStatus(message.get("status", HTTPStatus.FORBIDDEN))
            self.deny(status.value, status.phrase)
            return
        if kind == "websocket.close":
            # Daphne drops the reason and raises for 1001 … 2999.
            code = message.get("code")
            reason = message.get("reason") or ""
            self.close(check_close_code(1000 if code is None else code), reason)
            return
        if kind == "websocket.send" and self.state != self.STATE_CONNECTING:
            # Daphne drops an empty one.
            text = message.get("text")
            self.serverSend(message["bytes"] if text is None else text, text is None)
            return
        if kind == "websocket.accept":
            self._check_subprotocol(message.get("subprotocol"))
        super().handle_reply(message)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        # Autobahn's sendMessage holds what is sent to the limit of what is accepted.
        if self.open:
            payload = content if binary else content.encode()
            self.sendFrame(opcode=2 if binary else 1, payload=payload)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        self.outlet.send(data)

    def send_ping_frame(self, payload: bytes) -> None:
        """Send a ping frame."""
        self.sendPing(payload)

    async def drained(self) -> None:
        """Wait while too much is unsent; after the end for a turn, so that it is noticed."""
        await self.outlet.drained()
        if not self.open:
            await asyncio.sleep(0)

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
        if self.open:
            self.sendCloseFrame(code, close_reason(reason))
            self.inbox.close()
            self.abort_later()

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
            self.abort_later()

    def abort(self) -> None:
        """Break the connection now."""
        self.transport.abortConnection()

    def refuse(self) -> None:
        """Turn a handshake that has no answer yet away: it is late, or a drain has begun."""
        if self.arriving:
            self.deny(503, "Service Unavailable")

    def finish(self) -> None:
        """At the end of a drain: close what the application has not closed."""
        self.refuse()
        self.close(GOING_AWAY, "server shutting down")

    def _log(self, action: str) -> None:
        details = {"path": self.request.path, "client": peer_name(self.client_addr)}
        self.server.log_action("websocket", action, details)


class WebSocketFactory(ws_protocol.WebSocketFactory):
    """Builds protocols that know their server before the handshake, not only after it."""

    protocol = DaphneWebSocket

    def buildProtocol(self, addr: Any) -> DaphneWebSocket:
        protocol: DaphneWebSocket = super().buildProtocol(addr)
        protocol.server = self.server_class
        return protocol
