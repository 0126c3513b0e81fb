"""The consumer: one connection between a server's events, the application and the worker."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial, wraps
from typing import Any

from channels.consumer import AsyncConsumer

from realtime.common.client_address import client_network
from realtime.common.tasks import await_external
from realtime.conf import settings
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import (
    BINARY,
    SUBPROTOCOL,
    ClientMessage,
    Error,
    Hello,
    Join,
    Leave,
    RoomMessage,
)
from realtime.protocol.position import Position
from realtime.publish.publishing import encode_data
from realtime.security.authentication import Login, session_key
from realtime.security.origin import headers_of
from realtime.store.contract import AtCapacity, LoginsUnavailable, StoreUnavailable
from realtime.store.records import Peer
from realtime.worker import instances
from realtime.worker.admission import refusals
from realtime.worker.admission.handler_calls import HandlerCalls
from realtime.worker.admission.handler_queue import HandlerQueue
from realtime.worker.admission.pending import Identified
from realtime.worker.admission.refusals import Reason
from realtime.worker.admission.requests import RequestHandler
from realtime.worker.connections.connection import Connection
from realtime.worker.rooms.permissions import PUBLISH, Permissions, Refused, private_room
from realtime.worker.runtime import Runtime
from realtime.worker.sessions.session import ConnectedSession

from .hello import Event, Receive, receive_hello
from .scope import address_of, peer_of, refusal_of

Send = Callable[[Event], Awaitable[None]]

# Our servers offer these: any close code with its reason, and frames written without waiting.
SERVER_EXTENSION, FRAMES_EXTENSION = "realtime.server", "realtime.frames"

TOO_MANY_UNGREETED = 503  # the HTTP status; servers without our extensions send 403


class RealtimeConsumer(AsyncConsumer):
    """One connection. Subclass it to authenticate differently, to let clients into rooms, or to
    take binary frames. ``peer`` is who connects, known after ``authenticate``; ``session`` the
    session, None before ``welcome``; ``scope`` the ASGI scope.

    It is a Channels consumer in its routing, scope and middleware, but reads its frames in its
    own loop: Channels' dispatch makes tasks and a thread hop for every frame, and does not call
    ``disconnect`` when a server cancels it.
    """

    connection: Connection
    peer: Peer
    session: ConnectedSession | None = None
    _address: str
    _on_hello: Callable[[], None]
    _handlers: HandlerCalls
    _requests: RequestHandler | None = None  # once the session is admitted
    _failure: Exception | None = None  # the reason that it could not be admitted

    # ------------------------------------------------------------ for the application

    async def authenticate(self) -> Login:
        """The login of the client that has said hello; ``ANONYMOUS`` if it has none. Without an
        override it is that of the Django session's cookie.

        Raise StoreUnavailable if it cannot be known now. After exceptions the client comes back.
        """
        return await _current_worker().login_store.login(session_key(headers_of(self.scope)))

    async def authorize(self, room: str, action: str) -> bool:
        """Whether ``self.peer`` may "join" this room, or "publish" in it. Without an override
        the answer is no. Called again at every reconnect, and never for users' private rooms.

        After an exception the client tries again later.
        """
        return False

    async def receive_message(self, message: RoomMessage) -> None:
        """Publish a client's message in its room, if the client has joined the room and
        ``authorize`` permits it. The message is acknowledged when this returns; a client that
        misses the acknowledgement sends it again with the same ``message.key``.

        Raise Refused to reject it. After any other exception the client sends it again later.
        """
        assert self.session is not None
        if message.room not in self.session.room_reader.room_names:
            raise Refused("expected a room that was joined", ErrorCode.NOT_JOINED)
        if not await self.authorize(message.room, PUBLISH):
            raise Refused("expected a room that this user may publish in")
        await self.publish(message.room, message.data, key=message.key)

    async def publish(self, room: str, data: Any, *, key: str) -> Position:
        """Publish in the name of this client; once only for the same user, room and ``key``.

        Raises StoreUnavailable, and Refused if ``data`` is too large or not JSON.
        """
        worker = _current_worker()
        user = self.peer.user  # may have a colon: with its length, keys of others never match
        own = f"c:{len(user)}:{user}:{key}"
        try:
            result = await worker.publisher.publish(room, encode_data(data), own)
        except (TypeError, ValueError) as error:
            raise Refused(str(error), ErrorCode.INVALID_MESSAGE) from None
        return result.position

    async def receive_bytes(self, data: bytes) -> None:
        """Handle a binary frame. Without an override such frames are answered with an error."""
        raise RuntimeError("expected an override")

    def send_bytes(self, data: bytes) -> None:
        """Queue a binary frame for the client. Never waits."""
        self.connection.send_bytes(data)

    # ------------------------------------------------------------ the connection's life

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        """The ASGI application, with a thread for each sync call of an overridden ``__call__``."""
        application = super().as_asgi(**initkwargs)

        @wraps(application)
        async def with_threads(*arguments: Any) -> None:
            worker = instances.current()
            with worker.handler_threads.shared() if worker else nullcontext():
                await application(*arguments)

        return with_threads

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scope = scope
        await receive()  # websocket.connect
        if refusal := refusal_of(scope):
            await send({"type": "websocket.close"})  # before accept: HTTP 403
            refusals.current().record(*refusal)
            return
        self._address = address_of(scope)
        slot = (await _start_worker()).ungreeted.take(client_network(self._address))
        if slot is None:
            await send({"type": "websocket.close", "status": TOO_MANY_UNGREETED})
            refusals.current().record(Reason.LIMIT, _too_many_ungreeted(self._address))
            return
        with slot:
            self._on_hello = slot.release
            await self._serve(receive, send)

    async def _serve(self, receive: Receive, send: Send) -> None:
        await self._accept(send)
        # Without a reference to this consumer: an ended connection leaves no cycle behind.
        self._queue = HandlerQueue(partial(_end_failed, self._handlers, self.connection))
        code = CloseCode.LOST.value
        try:
            code = await self._converse(receive)
            await self.connection.flush()
        except asyncio.CancelledError:
            if not self.connection.ended:  # else its close timeout has cancelled us
                raise
        finally:
            self._leave(code)

    async def _accept(self, send: Send) -> None:
        worker = await instances.start()
        task = asyncio.current_task()
        assert task is not None
        extensions = self.scope.get("extensions") or {}
        self.connection = Connection(
            send,
            worker.frame_limits,
            drop=task.cancel,
            any_code=SERVER_EXTENSION in extensions,
            frames=extensions.get(FRAMES_EXTENSION),
        )
        self._handlers = HandlerCalls(worker.handler_threads)
        offered = SUBPROTOCOL if self.scope.get("subprotocols") else None
        await send({"type": "websocket.accept", "subprotocol": offered})

    async def _converse(self, receive: Receive) -> int:
        """Serve the connection from hello on; the code that the transport ended with."""
        worker = await instances.start()
        try:
            with worker.hub.in_handshake(self.connection):
                hello = await receive_hello(receive, self.connection, self._on_hello)
                admitted = hello is not None and await self._admit(hello)
        except Exception as error:
            self._failure = error
            raise
        finally:
            if self.session is None and not self.connection.resume_refused:
                worker.refusals.record_end(self.connection.ended, self._failure)
        return await self._receive_loop(receive) if admitted else CloseCode.LOST.value

    def _leave(self, code: int) -> None:
        self._queue.stop()
        self._requests = self._failure = None  # they refer to this consumer
        if self.session is not None and (worker := instances.current()):
            worker.hub.on_disconnect(self.session, code)
        self.connection.release()

    # ------------------------------------------------------------ admission

    async def _admit(self, hello: Hello) -> bool:
        worker = await instances.start()
        if worker.closing:
            self.connection.end(self.connection.shutdown_code(), delay_ms=worker.return_delay)
            return False
        self.session = await self._open_session(worker, hello)
        if self.session is None:
            return False
        self._handlers.session, call = self.session.record.id, self._handlers.call
        self._requests = RequestHandler(
            self.session,
            worker.rooms,
            worker.callbacks,
            permissions=self._permissions(),
            receive=lambda message: call(self.receive_message, message),
            queue=self._queue,
            on_failure=self._handlers.log_failure,
        )
        return True

    async def _open_session(self, worker: Runtime, hello: Hello) -> ConnectedSession | None:
        admitting = worker.admission.admit(self.connection, hello, self._identify)
        try:
            return await await_external(admitting)
        except Exception as error:
            if not isinstance(error, StoreUnavailable):
                self._handlers.log_failure()
            self._failure = error
            self.connection.end(CloseCode.TRY_AGAIN_LATER)
        return None

    async def _identify(self) -> Identified | None:
        """The client's login and permissions; None if its connection was ended for lack of one."""
        worker = await instances.start()
        try:
            login = await self._handlers.call(self.authenticate)
        except (AtCapacity, LoginsUnavailable):
            raise
        except StoreUnavailable as error:  # raised by an override
            raise LoginsUnavailable(str(error)) from error
        if not login.user and not settings.allow_anonymous:
            self.connection.end(CloseCode.NOT_AUTHENTICATED)
            return None
        self.peer = self._handlers.peer = peer_of(self.scope, login, self._address)
        end_code = partial(worker.login_store.end_code, login)
        return Identified(self.peer, self._permissions(), login if login.key else None, end_code)

    def _permissions(self) -> Permissions:
        call = self._handlers.call
        return Permissions(
            private_room(self.peer.user),
            settings.max_rooms,
            lambda room, action: call(self.authorize, room, action),
        )

    # ------------------------------------------------------------ frames

    async def _receive_loop(self, receive: Receive) -> int:
        requests = self._requests
        assert self.session is not None
        assert requests is not None
        hub, session, connection = (await instances.start()).hub, self.session, self.connection
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return event.get("code") or CloseCode.LOST.value
            message = self._read(event)
            if isinstance(message, Join | Leave | RoomMessage):
                requests.put(message, size=len(event["text"]))
            elif message is not None:
                hub.receive(session, message)
            if connection.ended:
                hub.on_disconnect(session, CloseCode.LOST)

    def _read(self, event: Event) -> ClientMessage | None:
        text = event.get("text")
        if text is not None:
            return self.connection.read(text)
        self._receive_binary(event.get("bytes") or b"")
        return None

    def _receive_binary(self, data: bytes) -> None:
        if not self.connection.admit_frame(len(data)) or not self.connection.check_size(data):
            return
        if type(self).receive_bytes is RealtimeConsumer.receive_bytes:
            detail = "expected a text frame; this server takes no binary ones"
            self.connection.reject_frame(ErrorCode.INVALID_MESSAGE, detail, id=BINARY)
            return
        assert self.session is not None
        self.session.touch(asyncio.get_running_loop().time())
        call = self._handlers.call
        if not self._queue.put(lambda: call(self.receive_bytes, data), size=len(data)):
            detail = "expected fewer frames at a time; send this one again later"
            busy = Error(code=ErrorCode.RATE_LIMITED.value, detail=detail, id=BINARY)
            self.connection.send(busy)


async def _start_worker() -> Runtime:
    """The worker of this event loop. Counts a refusal and raises if its start fails."""
    try:
        return await instances.start()
    except Exception as error:
        refusals.current().record_end(None, error)
        raise


def _current_worker() -> Runtime:
    """The worker that serves this connection. Raises StoreUnavailable if it has ended: a handler
    that outlives a drain must not start another worker."""
    if worker := instances.current():
        return worker
    raise StoreUnavailable("this worker has ended")


def _too_many_ungreeted(address: str) -> str:
    return (
        f"{settings.max_ungreeted} connections from {address or 'a Unix socket'} have not said "
        "hello (MAX_UNGREETED; TRUSTED_PROXIES if that is a proxy)"
    )


def _end_failed(handlers: HandlerCalls, connection: Connection) -> None:
    """End a connection whose handler has raised: its client comes back."""
    handlers.log_failure()
    connection.end(CloseCode.TRY_AGAIN_LATER)
