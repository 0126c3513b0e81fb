"""Uvicorn's WebSocket protocol with close codes, pings, bounds and an end in bounded time.

Invariants; versions this is written for: uvicorn 0.54, websockets 17.

1. ``phase`` decides; uvicorn's own booleans follow it. ``transition`` writes them for the inherited
   ``send``, which is the only inherited code that reads them.
2. In HANDSHAKE the application has the request. Bytes that come in a later read deny the handshake.
3. Only OPEN delivers messages to the application and sends data frames.
4. The application gets at most one disconnect event: at the peer's close frame, at a violation, or
   at the loss of the transport, whichever is first. After it ``send`` raises ClientDisconnected.
5. Parsing stops while the receive queue is full, and after FRAMES_PER_TURN frames in one turn of
   the event loop. Reading is paused meanwhile, so that ``unparsed`` stays bounded.
6. After a violation (FAILED) data is read and discarded: closing with unread bytes would reset the
   connection, and the peer would lose the close frame.
7. Every wait for the peer's end is bounded: ``abort_after_close_timeout`` runs after a close frame,
   a half-close and a denial; ``lifecycle.cancel_overdue`` bounds the application.
8. Nothing of a lost connection keeps it alive: queue, raw frames, parser and errors let go.
"""

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request

from .. import EXTENSION, FRAMES
from ..common.access_log import log_access, peer_name
from ..common.application_tasks import log_failure
from ..common.close_codes import INVALID_DATA, LOST, POLICY_VIOLATION, close_reason
from ..common.limits import MAX_UNSENT_AT_PING
from ..common.raw_frames import RawFrameWriter
from ..common.receive_queue import ReceiveQueue
from ..common.websocket import ServerWebSocket
from ..common.websocket_phase import ARRIVING, CLOSED, ENDING, FAILED, HANDSHAKE, OPEN, PhaseEvent
from . import parser
from .config import Config
from .transport import TransportWriter

SLICE = 4096  # bytes parsed at a time: at most 682 frames
FRAMES_PER_TURN = 256  # of the event loop


class UvicornWebSocket(ServerWebSocket, WebSocketsSansIOProtocol):
    """One WebSocket; see the module's invariants."""

    config: Config
    writer: TransportWriter

    def __init__(
        self, *, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        # Not a new object: the replaced one would be a cycle of garbage.
        self.conn.__class__ = parser.InterruptibleParser
        self.lifecycle = config.lifecycle
        self.receive_queue = ReceiveQueue(self)
        self.queue: Any = self.receive_queue  # for inherited code
        self.task: asyncio.Task[None] | None = None
        self.cancel_timer: asyncio.TimerHandle | None = None
        self.unparsed = b""  # read while the receive queue was full

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.writer = TransportWriter(transport)
        self.raw_frames = RawFrameWriter(self)
        self.transport: Any = self.writer  # for inherited code
        self.start_timeouts()

    def connection_lost(self, exc: Exception | None) -> None:
        self.raw_frames.detach()
        self.stop_timeouts()
        self.transition(PhaseEvent.LOST)
        self.writer.lost()
        self.connections.discard(self)
        self.receive_queue.put_disconnect(LOST)
        self._log("disconnected")
        self.receive_queue.detach()
        self.unparsed = b""
        parser.release(self.conn)
        if self.task is not None and not self.task.done():
            self.cancel_timer = self.lifecycle.cancel_overdue(self.task)

    def pause_writing(self) -> None:
        self.writer.pause()
        self.raw_frames.refresh()

    def resume_writing(self) -> None:
        self.writer.resume()
        self.raw_frames.refresh()

    def eof_received(self) -> None:
        # asyncio closes the transport now, but waits until the peer has read everything.
        if self.phase is not FAILED:
            self.transition(PhaseEvent.END)
        self.abort_after_close_timeout()

    @property
    def open(self) -> bool:
        return self.phase is OPEN and not self.writer.is_closing()

    def transition(self, event: PhaseEvent) -> None:
        """Enter the next phase, and set the booleans that uvicorn's ``send`` reads."""
        super().transition(event)
        self.handshake_complete = self.phase not in ARRIVING
        self.close_sent = self.handshake_complete and self.phase is not OPEN
        self.disconnected = self.phase is CLOSED

    # Receiving

    def data_received(self, data: bytes) -> None:
        if self.phase is HANDSHAKE:
            self.deny(400)
        elif self.unparsed or self.receive_queue.full:
            self.unparsed += data
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Parse what has been read, but only a part of a flood: other connections come between."""
        frames = 0
        for start in range(0, len(data), SLICE):
            if self.phase is FAILED:
                return
            if self.receive_queue.full or frames >= FRAMES_PER_TURN:
                self._postpone(data[start:])
                return
            frames += self._parse_slice(data[start : start + SLICE])

    def _parse_slice(self, data: bytes) -> int:
        self.conn.receive_data(data)
        frames = len(self.conn.events)
        self.handle_events()
        if self.conn.parser_exc is not None and self.phase is not FAILED:
            self._fail()
        elif self.conn.reader.buffer:
            self.touch()
        if self.conn.handshake_exc is not None and self.arriving:
            self._end_denied()  # websockets has answered: the request has too many headers
        return frames

    def _end_denied(self) -> None:
        self.transition(PhaseEvent.DENY)
        self._write()
        self.writer.close()
        self.abort_after_close_timeout()

    def _postpone(self, data: bytes) -> None:
        self.unparsed = data
        if not self.receive_queue.full:
            self.pause_reading()
            self.resume_reading()

    def pause_reading(self) -> None:
        """Read no more; what has been read already waits unparsed."""
        self.writer.pause_reading()

    def resume_reading(self) -> None:
        """Parse what waits, then read again, from the next turn of the event loop on."""
        self.loop.call_soon(self._resume_reading)

    def _resume_reading(self) -> None:
        data, self.unparsed = self.unparsed, b""
        self._parse(data)
        if not (self.receive_queue.full or self.unparsed or self.phase is CLOSED):
            self.writer.resume_reading()

    def handle_connect(self, event: Request) -> None:
        if self.lifecycle.draining:
            self.lifecycle.callbacks.refused("draining", "server shutting down")
            self.request = event
            self.deny(503)
            return
        super().handle_connect(event)
        if self.close_sent:  # websockets has refused it, and the base class has closed
            self.transition(PhaseEvent.DENY)
            self.abort_after_close_timeout()
            return
        self.transition(PhaseEvent.REQUEST)
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions.update({EXTENSION: {}, FRAMES: self.raw_frames})
        self._log("connecting")

    def handle_text(self, event: Frame) -> None:
        self.touch()
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self.touch()
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        self.touch()
        if len(self.frames) < self.lifecycle.limits.max_fragments:
            super().handle_cont(event)
        elif self.open:
            self.frames = []
            self.conn.fail(POLICY_VIOLATION, "too many fragments")
            self._fail()

    def send_receive_event_to_app(self) -> None:
        data, self.frames = b"".join(self.frames), []
        if not self.open:
            return
        if self.curr_msg_data_type == "bytes":
            self.receive_queue.put_nowait({"type": "websocket.receive", "bytes": data})
            return
        try:
            self.receive_queue.put_nowait({"type": "websocket.receive", "text": data.decode()})
        except UnicodeDecodeError:
            self.conn.fail(INVALID_DATA, "not UTF-8")
            self._fail()

    def handle_ping(self) -> None:
        if self.writer.unsent > MAX_UNSENT_AT_PING:
            self.abort()
        else:
            self._write()

    def handle_pong(self, event: Frame) -> None:
        self.pong_received(bytes(event.data))

    def handle_close(self, event: Frame) -> None:
        received = self.conn.close_rcvd
        assert received is not None
        self.transition(PhaseEvent.PEER_CLOSE)
        self.receive_queue.put_disconnect(received.code, received.reason)
        self._write()  # our close frame, if the peer was first
        self.writer.close()
        self.abort_after_close_timeout()

    # The application

    async def run_asgi(self) -> None:
        self.task = asyncio.current_task()
        try:
            await self.app(self.scope, self.receive_queue.get, self.send)
        except ClientDisconnected:
            return

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.task = None  # its exception's frames know this protocol
        if self.cancel_timer is not None:
            self.cancel_timer.cancel()
            self.cancel_timer = None
        self.application_ended(log_failure(task))

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if kind == "websocket.close":
            self.close_by_application(message)
        elif self.receive_queue.disconnected:
            raise ClientDisconnected  # uvicorn would raise RuntimeError
        elif self.phase in ARRIVING:
            await self._send_answer(message)
        else:
            if kind == "websocket.send":
                await self.writer.wait_writable()
                if not self.open:
                    raise ClientDisconnected
            elif self.phase in (FAILED, ENDING):
                return  # the peer left during the handshake; the disconnect event follows
            await super().send(message)

    async def _send_answer(self, message: Any) -> None:
        accepts = message["type"] == "websocket.accept"
        if accepts:
            self._check_subprotocol(message.get("subprotocol"))
        await super().send(message)
        if accepts:
            self.transition(PhaseEvent.ACCEPT)
            self._log("connected")
        elif self.close_sent:  # a complete HTTP answer
            self.transition(PhaseEvent.DENY)

    def _check_subprotocol(self, subprotocol: str | None) -> None:
        # Uvicorn would answer with it, and the client would fail.
        if subprotocol is not None and subprotocol not in self.scope["subprotocols"]:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")

    def send_ping_frame(self, payload: bytes) -> None:
        self.conn.send_ping(payload)
        self._write()

    def _write(self) -> None:
        if data := b"".join(self.conn.data_to_send()):  # empty after our half-close
            self.writer.send(data)

    # The end

    def close(self, code: int, reason: str = "") -> None:
        if self.phase is OPEN:
            self.conn.send_close(code, close_reason(reason).decode())
            self._write()
            self.transition(PhaseEvent.CLOSE)
            self.receive_queue.close()
            self.abort_after_close_timeout()

    def deny(self, status: int) -> None:
        self.conn.send_response(self.conn.reject(status, ""))
        self.receive_queue.put_disconnect(LOST)
        self._end_denied()
        self._log("rejected")

    def abort(self) -> None:
        self.transition(PhaseEvent.END)
        self.writer.abort()

    def _fail(self) -> None:
        """Send a close frame, half-close, and read until the peer closes (RFC 6455, 7.1.7 and
        7.1.1). Uvicorn closes at once, and the reset may overtake the close frame."""
        self.transition(PhaseEvent.VIOLATION)
        self.unparsed = b""
        self._write()
        if (sent := self.conn.close_sent) is not None:
            self.receive_queue.put_disconnect(sent.code, sent.reason)
        self.receive_queue.close()
        self.writer.write_eof()
        self.abort_after_close_timeout()

    def _log(self, action: str) -> None:
        if request := getattr(self, "request", None):  # None: websockets could not parse it
            details = {"path": request.path, "client": peer_name(self.client)}
            log_access("websocket", action, details)
