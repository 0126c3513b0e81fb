"""A conversation: one connection, from its handshake to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from realtime.common.tasks import await_external, current_task
from realtime.conf import settings
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import (
    BINARY,
    SUBPROTOCOL,
    VERSION,
    Auth,
    Error,
    Hello,
    Request,
    encode,
    goodbye,
)
from realtime.protocol.request_messages import RequestFrame
from realtime.publish.publishing import encode_data
from realtime.security.authentication import session_key
from realtime.security.origin import headers_of
from realtime.store.contract import StoreUnavailable
from realtime.worker.admission.handlers import Application, Handlers
from realtime.worker.admission.replies import Replies
from realtime.worker.admission.requests import SessionRequests
from realtime.worker.admission.ungreeted_limit import UngreetedSlot
from realtime.worker.connections.connection import Connection
from realtime.worker.runtime import Runtime
from realtime.worker.sessions.session import ConnectedSession

from . import gate

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

# Our servers offer these: any close code with its reason, and frames written without waiting.
SERVER_EXTENSION, FRAMES_EXTENSION = "realtime.server", "realtime.frames"

STRANGER_TIMEOUT = 3.0  # seconds for the hello of a client without a session cookie, at most


async def serve_websocket(
    application: Application, receive: Receive, send: Send, *, takes_bytes: bool
) -> None:
    """Refuse the handshake of a WebSocket, or serve it until it ends. ``takes_bytes`` says whether
    the application handles binary frames."""
    await receive()  # websocket.connect
    scope = application.scope
    application.peer = peer = gate.peer_of(scope)
    offered = SUBPROTOCOL if scope.get("subprotocols") else None
    accept: Event = {"type": "websocket.accept", "subprotocol": offered}
    try:
        worker, slot = await gate.enter(scope, peer.address)
    except gate.HandshakeRefused as refused:
        await send({"type": "websocket.close", "status": refused.status})
        return
    except gate.OriginRefused:
        await send(accept)
        await _refuse_origin(send)
        return
    with closing(slot):
        extensions = scope.get("extensions") or {}
        connection = application.connection = Connection(
            send,
            worker.frame_limits,
            drop=current_task().cancel,
            any_code=SERVER_EXTENSION in extensions,
            frames=extensions.get(FRAMES_EXTENSION),
        )
        await send(accept)
        handlers = Handlers(application, worker.handler_threads, settings.max_rooms)
        await Conversation(receive, worker, connection, handlers, slot, takes_bytes).run()


async def _refuse_origin(send: Send) -> None:
    """Close a connection that was accepted only to say so. Its peer may have gone."""
    code = CloseCode.ORIGIN_REFUSED
    with suppress(OSError):
        await send({"type": "websocket.send", "text": encode(goodbye(code))})
        await send({"type": "websocket.close", "code": code.value, "reason": code.reason})


@dataclass(slots=True, eq=False)
class Conversation:
    """One connection that was accepted, until its end. ``receive()`` returns its ASGI events.

    It refers to the application, which must not refer to it: an ended connection leaves no
    reference cycle behind.
    """

    receive: Receive
    worker: Runtime
    connection: Connection
    handlers: Handlers
    slot: UngreetedSlot
    takes_bytes: bool

    async def run(self) -> None:
        """Serve the connection."""
        code = CloseCode.LOST.value
        try:
            await self._greet()
            if session := self.handlers.session:
                code = await self._receive_frames(session)
            await self.connection.flush()
        except asyncio.CancelledError:
            if not self.connection.ended:  # else its close timeout has cancelled us
                raise
        finally:
            if session := self.handlers.session:
                self.worker.hub.on_disconnect(session, code)
            self.connection.release()

    # ------------------------------------------------------------ from hello to welcome

    async def _greet(self) -> None:
        """Admit the client once it has said hello. Without a session it is counted as refused."""
        connection, refusals, hello, failed = self.connection, self.worker.refusals, None, False
        try:
            with self.worker.hub.without_session(connection):
                if hello := await self._receive_hello():
                    await self._admit(hello)
        except Exception as error:
            failed = True
            refusals.record_end(None, error)
            if hello is None:  # the server has failed, not the admission
                raise
            if not isinstance(error, StoreUnavailable):
                self.handlers.log_failure()
            connection.end(CloseCode.TRY_AGAIN_LATER)
        finally:
            if not (failed or self.handlers.session or connection.resume_refused):
                refusals.record_end(connection.ended, None)

    async def _receive_hello(self) -> Hello | None:
        """The client's hello; None if the connection has ended, also because none came within
        its time or it speaks another version. Frees the slot once a hello was read."""
        seconds, code = self._time_for_hello()
        try:
            async with asyncio.timeout(seconds):
                while not self.connection.ended:
                    event = await self.receive()
                    if event["type"] == "websocket.disconnect":
                        return None
                    if hello := self._read_hello(event):
                        return hello
        except TimeoutError:
            self.connection.end(code)
        return None

    def _time_for_hello(self) -> tuple[float, CloseCode]:
        """The seconds until hello, and the code of those that miss it. A client without a login so
        far has to bring one soon."""
        if session_key(headers_of(self.handlers.application.scope)):
            return settings.hello_timeout, CloseCode.NO_HELLO
        late = CloseCode.NO_HELLO if settings.allow_anonymous else CloseCode.NOT_AUTHENTICATED
        return min(settings.hello_timeout, STRANGER_TIMEOUT), late

    def _read_hello(self, event: Event) -> Hello | None:
        connection, text = self.connection, event.get("text")
        message = None if text is None else connection.read(text)
        if isinstance(message, Hello):
            self.slot.close()
            if message.protocol == VERSION:
                return message
            reason = f"protocol errors: expected protocol {VERSION}"
            connection.end(CloseCode.PROTOCOL_ERRORS, reason)
        elif message is not None:
            connection.reject_frame(ErrorCode.NOT_READY, "expected hello first")
        elif text is None and connection.admit_frame(len(event.get("bytes") or b"")):
            connection.reject_frame(ErrorCode.NOT_READY, "expected hello first, as text", id=BINARY)
        return None

    async def _admit(self, hello: Hello) -> None:
        worker, connection = self.worker, self.connection
        if worker.closing:
            connection.end(connection.shutdown_code(), delay_ms=worker.return_delay)
            return
        session = await await_external(worker.admission.admit(connection, hello, self.handlers))
        self.handlers.session = self.handlers.application.session = session

    # ------------------------------------------------------------ frames

    async def _receive_frames(self, session: ConnectedSession) -> int:
        """Serve a session's frames; the code that the transport ended with."""
        receive, connection, hub = self.receive, self.connection, self.worker.hub
        rooms, callbacks = self.worker.rooms, self.worker.callbacks
        renewal, handlers = self.worker.renewal, self.handlers
        presences = self.worker.presences
        seconds = settings.request_timeout
        with (
            closing(
                SessionRequests(session, rooms, callbacks, handlers, renewal, presences=presences)
            ) as requests,
            closing(Replies(session, handlers, encode_data, timeout=seconds)) as replies,
        ):
            while True:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    return event.get("code") or CloseCode.LOST.value
                text = event.get("text")
                message = None if text is None else connection.read(text)
                if text is None:
                    self._receive_binary(event.get("bytes") or b"", requests)
                elif isinstance(message, Request):
                    requests.put(message, size=len(text))
                elif isinstance(message, RequestFrame):
                    replies.receive(message)
                elif isinstance(message, Auth):
                    requests.put_auth(message.auth)
                elif message is not None:
                    hub.receive(session, message)
                if connection.ended:
                    hub.on_disconnect(session, CloseCode.LOST)

    def _receive_binary(self, data: bytes, requests: SessionRequests) -> None:
        connection = self.connection
        if not connection.admit_frame(len(data)) or not connection.check_size(data):
            return
        if not self.takes_bytes:
            detail = "expected a text frame; this server takes no binary ones"
            connection.reject_frame(ErrorCode.INVALID_MESSAGE, detail, id=BINARY)
        elif not requests.put_bytes(data):
            detail = "expected fewer frames at a time; send this one again later"
            connection.send(Error(ErrorCode.RATE_LIMITED.value, detail, id=BINARY))
