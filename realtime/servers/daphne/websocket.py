"""Daphne's WebSocket protocol with close codes, pings, bounds and an end in bounded time.

Invariants; versions this is written for: daphne 4.2, autobahn 26.10, Twisted 26.10.

1. ``phase`` follows autobahn's ``state``: only the setter of ``state``, ``onConnect``, ``deny``,
   ``_fail_connection`` and ``connectionLost`` cause transitions.
2. In HANDSHAKE, and only then, ``handshake_deferred`` waits for the application's answer. Bytes
   that come meanwhile deny the handshake: daphne would parse them as a second one.
3. Only OPEN delivers messages to the application and sends data frames.
4. The application gets at most one disconnect event, and it gets it when autobahn reports the end.
5. Parsing stops while the receive queue is full, and after STEPS steps of one turn of the event
   loop. Reading is paused meanwhile, so that unparsed bytes stay bounded.
6. After a violation (FAILED) data is read and discarded: closing with unread bytes would reset the
   connection, and the peer would lose the close frame.
7. Every wait for the peer's end is bounded: ``abort_after_close_timeout`` runs after a close frame
   and after ``loseConnection``; ``server.cancel_overdue`` bounds the application.
8. Nothing of a lost connection keeps it alive: queue, raw frames, deferreds and timers let go.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne import ws_protocol
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..common.access_log import peer_name
from ..common.close_codes import GOING_AWAY, NO_STATUS, POLICY_VIOLATION, close_reason
from ..common.lifecycle import ServerLifecycle
from ..common.limits import MAX_UNSENT_AT_PING
from ..common.raw_frames import RawFrameWriter
from ..common.receive_queue import ReceiveQueue
from ..common.websocket import ServerWebSocket
from ..common.websocket_phase import FAILED, HANDSHAKE, PhaseEvent
from .transport import MAX_PIECES, Transport

STEPS = 512  # of autobahn's parser in one turn of the event loop: two are a frame

# The factory's options, which each connection has as attributes.
OPTIONS = ws_protocol.WebSocketProtocol.CONFIG_ATTRS

# Autobahn's states, as events for ours; CONNECTING is the first of both.
STATE_EVENTS = {
    ws_protocol.WebSocketProtocol.STATE_OPEN: PhaseEvent.ACCEPT,
    ws_protocol.WebSocketProtocol.STATE_CLOSING: PhaseEvent.CLOSE,
    ws_protocol.WebSocketProtocol.STATE_CLOSED: PhaseEvent.END,
}


class WebSocketServer(ServerLifecycle):
    """The server, as far as its WebSockets use it."""

    connections: dict[Any, dict[str, Any]]
    log_action: Callable[..., None]
    protocol_disconnected: Callable[[Any], None]


def denial(status: int) -> Exception:
    """The exception that makes autobahn answer a handshake with an HTTP error."""
    phrase = HTTPStatus(status).phrase
    denied: Exception = ConnectionDeny(int(status), phrase)  # type: ignore[no-untyped-call]
    return denied


class DaphneWebSocket(ServerWebSocket, ws_protocol.WebSocketProtocol):
    """One WebSocket; see the module's invariants."""

    server: WebSocketServer
    # For autobahn to copy, and to format for a line of its debug log: that took 0.15 ms, a tenth of
    # a handshake, whether anything was logged or not.
    CONFIG_ATTRS = ()
    frame_data: list[bytes]
    handshake_deferred: Deferred[Any]
    _state: int | None = None

    def connectionMade(self) -> None:
        self.lifecycle = self.server
        self.receive_queue = ReceiveQueue(self)
        self.writer: Transport = self.transport
        self.raw_frames = RawFrameWriter(self)
        self.writer.on_full_changed = self.raw_frames.refresh
        self.fragments = self.steps = 0
        self.start_timeouts()
        # The HTTP channel would stop reading while much is unsent, pongs included.
        self.transport.unregisterProducer()
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        self.raw_frames.detach()
        self.stop_timeouts()
        super().connectionLost(reason)
        self.transition(PhaseEvent.LOST)
        self.receive_queue.detach()
        self.is_closed = None  # autobahn's, whose result is this protocol
        self.__dict__.pop("handshake_deferred", None)  # knows this protocol, too

    @property
    def state(self) -> int | None:
        """Autobahn's; None before it has any."""
        return self._state

    @state.setter
    def state(self, value: int) -> None:
        self._state = value
        if value in STATE_EVENTS:
            self.transition(STATE_EVENTS[value])

    def onConnect(self, request: Any) -> Any:
        if self.server.draining:
            self.server.callbacks.refused("draining", "server shutting down")
            raise denial(503)
        deferred = super().onConnect(request)
        self.transition(PhaseEvent.REQUEST)
        return deferred

    # Receiving

    def dataReceived(self, data: bytes) -> None:
        if self.phase is HANDSHAKE:
            self.deny(400)
        elif self.phase is not FAILED:
            super().dataReceived(data)

    def processData(self) -> bool:
        if self.receive_queue.full or self.steps == 0:
            return False
        self.steps -= 1
        more: bool = super().processData()
        return more

    def consumeData(self) -> None:
        """Parse what has been read, but only a part of a flood: other connections come between."""
        self.steps = STEPS
        super().consumeData()
        if self.steps == 0 and not self.receive_queue.full:
            self.pause_reading()
            self.resume_reading()

    def pause_reading(self) -> None:
        """Read no more; what has been read already waits unparsed."""
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Parse what waits, then read again, from the next turn of the event loop on."""
        asyncio.get_running_loop().call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        self.consumeData()
        if self.steps and not self.receive_queue.full:
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
        self.touch()
        super().onMessageFrameData(payload)
        if len(self.frame_data) >= MAX_PIECES:
            self.frame_data = [b"".join(self.frame_data)]

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.open:
            super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:
        if self.writer.unsent > MAX_UNSENT_AT_PING:
            self.abort()
        else:
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        self.pong_received(payload)

    def onClose(self, _clean: bool, code: int | None, reason: str | None) -> None:
        if self not in self.server.connections:
            return  # refused before there was an application; daphne raises here
        self.server.protocol_disconnected(self)
        if self.failedByMe:
            code, reason = self.localCloseCode, self.wasNotCleanReason
        self.receive_queue.put_disconnect(code or NO_STATUS, reason or "")
        self._log("disconnected")

    # Messages from the application

    def handle_reply(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.close":  # daphne drops the reason and raises for 1001 … 2999
            self.close_by_application(message)
        elif kind == "websocket.send" and not self.arriving:  # daphne drops an empty one
            text = message.get("text")
            self.serverSend(message["bytes"] if text is None else text, text is None)
        else:
            if kind == "websocket.accept":
                self._check_subprotocol(message.get("subprotocol"))
            super().handle_reply(message)

    def serverSend(self, content: Any, binary: bool = False) -> None:
        # Autobahn's sendMessage would hold sent messages to the limit of received ones.
        if self.open:
            payload = content if binary else content.encode()
            self.sendFrame(opcode=2 if binary else 1, payload=payload)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        self.writer.send(data)

    def send_ping_frame(self, payload: bytes) -> None:
        self.sendPing(payload)

    async def wait_writable(self) -> None:
        """Wait while too much is unsent; after the end for one turn of the event loop, in which
        the application can see the disconnect."""
        await self.writer.wait_writable()
        if not self.open:
            await asyncio.sleep(0)

    def _check_subprotocol(self, subprotocol: str | None) -> None:
        # Autobahn would raise inside its deferred, unseen, and the handshake would hang.
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")

    # The end

    def close(self, code: int, reason: str = "") -> None:
        if self.open:
            self.sendCloseFrame(code, close_reason(reason))
            self.receive_queue.close()
            self.abort_after_close_timeout()

    def deny(self, status: int) -> None:
        """Answer the handshake with an HTTP error; drop the transport if no request has come."""
        if self.phase is not HANDSHAKE:
            self.dropConnection(abort=True)
            return
        error = denial(status)
        self.transition(PhaseEvent.DENY)
        deferred = self.handshake_deferred
        del self.handshake_deferred
        deferred.errback(error)
        self.server.protocol_disconnected(self)
        self._log("rejected")

    def _fail_connection(self, code: int = GOING_AWAY, reason: str = "going away") -> None:
        """Autobahn calls this at a violation. Send a close frame, half-close, and read until the
        peer closes (RFC 6455, 7.1.7 and 7.1.1).

        Autobahn's own either resets the connection, so that the client sees 1006, or goes on
        parsing what can no longer be parsed.
        """
        if not self.open:
            self.dropConnection(abort=True)
            return
        self.failedByMe = True
        self.wasNotCleanReason = reason
        self.data = b""
        self.close(code, reason)
        self.transition(PhaseEvent.VIOLATION)
        self.unregisterProducer()
        self.transport.loseWriteConnection()

    def _closeConnection(self, abort: bool = False) -> None:
        """Autobahn calls this to end the transport. Wait no longer for it than for a close frame:
        the peer may not read.

        After both close frames an ordinary end is enough, where autobahn resets.
        """
        if abort and not self.wasClean:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()
            self.abort_after_close_timeout()

    def abort(self) -> None:
        self.transport.abortConnection()

    def _log(self, action: str) -> None:
        details = {"path": self.request.path, "client": peer_name(self.client_addr)}
        self.server.log_action("websocket", action, details)


class WebSocketFactory(ws_protocol.WebSocketFactory):
    """Builds protocols that know their server before the handshake, not only after it."""

    protocol = DaphneWebSocket

    def buildProtocol(self, addr: Any) -> DaphneWebSocket:
        protocol: DaphneWebSocket = super().buildProtocol(addr)
        protocol.server = self.server_class
        for option in OPTIONS:
            setattr(protocol, option, getattr(self, option))
        return protocol
