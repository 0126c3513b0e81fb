"""Uvicorn's WebSocket with the behaviour a long-lived connection needs.

Facts about the versions this is written for (uvicorn 0.54, websockets 17) stand
where they matter. Times are monotonic seconds.
"""

import asyncio
from typing import Any

import websockets.http11
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from .. import EXTENSION, FRAMES
from ..common.base import (
    GOING_AWAY,
    INTERNAL_ERROR,
    INVALID_DATA,
    LOST,
    MAX_OWED,
    NORMAL,
    POLICY_VIOLATION,
    check_close_code,
    close_reason,
    log_access,
    peer_name,
)
from ..common.lifecycle import log_failure
from ..common.raw_frames import RawFrameWriter
from ..common.receive_queue import ReceiveQueue
from ..common.websocket_timeouts import WebSocketTimeouts
from .config import Config
from .http import MAX_HEAD
from .transport import TransportWriter

# What the HTTP half has taken, this one takes as well; by itself it refuses a line, such as that
# of the cookies, of more than 8 KiB.
websockets.http11.MAX_LINE_LENGTH = MAX_HEAD

SLICE = 4096  # bytes parsed at a time: at most 682 frames
FRAMES_PER_TURN = 256  # of the event loop


class Conversation(ServerProtocol):
    """Websockets' own, which takes a close within an unfinished message for a violation."""

    def recv_frame(self, frame: Frame) -> None:
        """Let a close come at any time (RFC 6455, 5.4 and 7.1.5); the message ends with it."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class UvicornWebSocket(WebSocketTimeouts, WebSocketsSansIOProtocol):
    """A WebSocket with close codes, pings, bounds and an end in bounded time."""

    config: Config
    outlet: TransportWriter

    def __init__(
        self, *, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config, server_state, app_state)
        self.conn.__class__ = Conversation  # to make another would leave this one in a circle
        self.serving = config.serving
        self.queue: Any = ReceiveQueue(self)
        self.inbox = self.queue
        self.task: asyncio.Task[None] | None = None
        self.overdue: asyncio.TimerHandle | None = None
        self.rest = b""  # read, but not parsed while the inbox is full
        self._open = self._told = self._failed = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.outlet = TransportWriter(transport)
        self.straight = RawFrameWriter(self)
        self.transport: Any = self.outlet  # for what is inherited
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self.straight.end()
        self.gone()
        self.open, self.disconnected, self.handshake_complete = False, True, True
        self.outlet.lost()
        self.connections.discard(self)
        self._tell(LOST)
        self._log("disconnected")
        self.inbox.lost()
        self.rest = b""
        self.conn.parser.close()  # a generator that waits for more, and keeps all this alive
        _forget_frames(self.conn.handshake_exc)
        _forget_frames(self.conn.parser_exc)
        if self.task is not None and not self.task.done():
            self.overdue = self.serving.cancel_later(self.task)

    def pause_writing(self) -> None:
        self.outlet.pause()
        self.straight.settle()

    def resume_writing(self) -> None:
        self.outlet.resume()
        self.straight.settle()

    def eof_received(self) -> None:
        self.open = False  # asyncio closes now, but waits for a window that may be shut
        self.abort_later()

    @property
    def open(self) -> bool:
        """Whether frames may be sent: after the handshake, before a close frame."""
        return self._open and not self.outlet.is_closing()

    @open.setter
    def open(self, value: bool) -> None:
        self._open = value
        self.straight.settle()

    @property
    def arriving(self) -> bool:
        """Whether its handshake is under way."""
        return not self.handshake_complete and not self.close_sent

    # What arrives

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and self.arriving:
            self.deny(400)
        elif self.rest or self.inbox.full:
            self.rest += data
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Parse what has been read; of a flood a part, so that others have their turn."""
        frames = 0
        for start in range(0, len(data), SLICE):
            if self._failed:
                return  # read and thrown away: closing with unread bytes would reset it
            if self.inbox.full or frames >= FRAMES_PER_TURN:
                self._put_off(data[start:])
                return
            frames += self._parse(data[start : start + SLICE])

    def _parse(self, data: bytes) -> int:
        self.conn.receive_data(data)
        frames = len(self.conn.events)
        self.handle_events()
        if self.conn.parser_exc is not None and not self._failed:
            self._fail()
        elif self.conn.reader.buffer:
            self.alive()
        if self.conn.handshake_exc is not None and self.arriving:
            self._refused()
        return frames

    def _refused(self) -> None:
        """Websockets has answered this request by itself: it has too many headers."""
        self.close_sent = self.handshake_complete = True
        self._write()
        self.outlet.close()
        self.abort_later()

    def _put_off(self, rest: bytes) -> None:
        self.rest = rest
        if not self.inbox.full:
            self.hold()
            self.go_on()

    def hold(self) -> None:
        """Read no more; what has been read already waits unparsed."""
        self.outlet.pause_reading()

    def go_on(self) -> None:
        """Parse what waits, then read again."""
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        rest, self.rest = self.rest, b""
        self._take(rest)
        if not self.inbox.full and not self.rest and not self.disconnected:
            self.outlet.resume_reading()

    def handle_connect(self, event: Request) -> None:
        if self.serving.draining:
            self.serving.lifecycle.refused("draining", "server shutting down")
            self.request, self.handshake_initiated = event, True
            self.deny(503)
            return
        super().handle_connect(event)
        if self.arriving:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions.update({EXTENSION: {}, FRAMES: self.straight})
            self._log("connecting")
        else:
            self.abort_later()

    def handle_text(self, event: Frame) -> None:
        self.alive()
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self.alive()
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        self.alive()
        if len(self.frames) < self.serving.limits.max_fragments:
            super().handle_cont(event)
        elif self.open:
            self.frames = []
            self.conn.fail(POLICY_VIOLATION, "too many fragments")
            self._fail()

    def send_receive_event_to_app(self) -> None:
        data, self.frames = b"".join(self.frames), []
        if not self.open:
            return  # nobody listens any more
        if self.curr_msg_data_type == "bytes":
            self.inbox.put_nowait({"type": "websocket.receive", "bytes": data})
            return
        try:
            self.inbox.put_nowait({"type": "websocket.receive", "text": data.decode()})
        except UnicodeDecodeError:
            self.conn.fail(INVALID_DATA, "not UTF-8")
            self._fail()

    def handle_ping(self) -> None:
        if self.outlet.unsent > MAX_OWED:
            self.abort()
        else:
            self._write()

    def handle_pong(self, event: Frame) -> None:
        self.answered(bytes(event.data))

    def handle_close(self, event: Frame) -> None:
        received = self.conn.close_rcvd
        assert received is not None
        self.open, self.close_sent = False, True
        self._tell(received.code, received.reason)
        self._write()  # the answer, if the peer was first
        self.outlet.close()
        self.abort_later()

    # What the application says

    async def run_asgi(self) -> None:
        self.task = asyncio.current_task()
        try:
            await self.app(self.scope, self.inbox.get, self.send)
        except ClientDisconnected:
            return

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.task = None  # what it has raised knows this protocol
        if self.overdue is not None:
            self.overdue.cancel()
            self.overdue = None
        error = log_failure(task)
        # Nobody is left to serve this connection: end it now.
        if self.arriving:
            self.deny(500)
        else:
            self.close(NORMAL if error is None else INTERNAL_ERROR)

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if kind == "websocket.close":
            self._close_as_asked(message)
            return
        if self._told:
            raise ClientDisconnected  # uvicorn would take it for the application's mistake
        if kind == "websocket.send" and self.handshake_complete:
            await self.outlet.drained()
            if not self.open:
                raise ClientDisconnected
        if kind == "websocket.accept":
            self._check_subprotocol(message.get("subprotocol"))
        await super().send(message)
        if kind == "websocket.accept" and not self.close_sent and not self.disconnected:
            self.open = True
            self._log("connected")

    def _close_as_asked(self, message: dict[str, Any]) -> None:
        if self.arriving:
            self.deny(message.get("status", 403))
        elif self._open:  # else it is too late for any code
            code = message.get("code")
            code = check_close_code(NORMAL if code is None else code)
            self.close(code, message.get("reason") or "")

    def _check_subprotocol(self, subprotocol: str | None) -> None:
        # Uvicorn would answer with it, and the client fail.
        if subprotocol is not None and subprotocol not in self.scope["subprotocols"]:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")

    def send_ping_frame(self, payload: bytes) -> None:
        """Send a ping frame."""
        self.conn.send_ping(payload)
        self._write()

    def _write(self) -> None:
        if data := b"".join(self.conn.data_to_send()):  # nothing, after the end of our half
            self.outlet.send(data)

    # The end

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; drop the transport if no answer comes in time. No-op when closing."""
        if self._open:
            self.conn.send_close(code, close_reason(reason).decode())
            self._write()
            self.open, self.close_sent = False, True
            self.inbox.close()
            self.abort_later()

    def deny(self, status: int) -> None:
        """Answer the handshake with an HTTP error."""
        self.close_sent = self.handshake_complete = True
        self.conn.send_response(self.conn.reject(status, ""))
        self._write()
        self._tell(LOST)
        self.outlet.close()
        self.abort_later()
        self._log("rejected")

    def refuse(self) -> None:
        """Turn a handshake that has no answer yet away: it is late, or a drain has begun."""
        if self.arriving:
            self.deny(503)

    def finish(self) -> None:
        """At the end of a drain: close what the application has not closed."""
        self.refuse()
        self.close(GOING_AWAY, "server shutting down")

    def abort(self) -> None:
        """Break the connection now."""
        self.open = False
        self.outlet.abort()

    def _fail(self) -> None:
        """Say what was wrong, then listen to nothing more.

        RFC 6455, 7.1.7 and 7.1.1: a close frame, half-close, and read until the peer
        closes. Uvicorn closes at once, and the reset may overtake the close frame.
        """
        self._failed, self.open, self.close_sent = True, False, True
        self.rest = b""
        self._write()
        if self.conn.close_sent is not None:
            self._tell(self.conn.close_sent.code, self.conn.close_sent.reason)
        self.inbox.close()
        self.outlet.write_eof()
        self.abort_later()

    def _tell(self, code: int, reason: str = "") -> None:
        """Tell the application of the end, once."""
        if not self._told:
            self._told = True
            event = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self.inbox.put_nowait(event)

    def _log(self, action: str) -> None:
        if not self.handshake_initiated:
            return  # there was no request
        details = {"path": self.request.path, "client": peer_name(self.client)}
        log_access("websocket", action, details)


def _forget_frames(error: BaseException | None) -> None:
    """An error that is kept knows the frames it came through, and these know who keeps it."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
