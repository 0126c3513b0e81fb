"""The ASGI edge: translates a server's events into calls, and decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from channels.consumer import AsyncConsumer

from realtime.common.client_address import client_address, parse_proxies, place_of
from realtime.common.tasks import await_external
from realtime.conf import settings
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import (
    BINARY,
    SUBPROTOCOL,
    VERSION,
    ClientMessage,
    Error,
    Hello,
    Join,
    Leave,
    RoomMessage,
)
from realtime.protocol.position import Position
from realtime.publish.publishing import encode_data
from realtime.security import origin
from realtime.security.authentication import Login, session_key
from realtime.store.contract import AtCapacity, LoginsUnavailable, StoreUnavailable
from realtime.store.records import Peer
from realtime.worker import runtime
from realtime.worker.admission import refusals
from realtime.worker.admission.handler_queue import WorkQueue
from realtime.worker.admission.handlers import HandlerCalls
from realtime.worker.admission.handshake import Identified
from realtime.worker.admission.refusals import Reason
from realtime.worker.admission.requests import RequestHandler
from realtime.worker.connections.connection import Connection
from realtime.worker.rooms.permissions import PUBLISH, Permissions, Refused, private_room
from realtime.worker.sessions.session import ConnectedSession

__all__ = ["Refused", "RealtimeConsumer"]

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

# Our servers: any close code with its reason, and frames written without waiting.
SERVER_EXTENSION, FRAMES_EXTENSION = "realtime.server", "realtime.frames"

CROWDED = 503  # the HTTP status for an address with too many connections before hello


class RealtimeConsumer(AsyncConsumer):
    """One connection. Subclass it to authenticate differently or to take binary frames.

    It is a Channels consumer in its routing, scope and middleware, but reads its
    frames in a loop of its own: Channels' dispatch makes tasks and a thread hop for
    every frame, and does not call ``disconnect`` when a server cancels it.
    """

    connection: Connection
    peer: Peer
    _address: str
    _greeted: Callable[[], None]  # to be called once hello has come
    session: ConnectedSession | None = None
    _handlers: HandlerCalls
    _requests: RequestHandler | None = None  # while it is admitted
    _failure: Exception | None = None  # what it could not be welcomed for

    # ------------------------------------------------------------ for the application

    async def authenticate(self) -> Login:
        """Who has said hello; ``ANONYMOUS`` for nobody. Reads the Django session's cookie.

        Whatever it raises, StoreUnavailable if it cannot be known now, makes the client come
        again later.
        """
        return await _own_worker().login(session_key(origin.headers_of(self.scope)))

    async def authorize(self, room: str, action: str) -> bool:
        """Whether ``self.peer`` may "join" this room, or "publish" in it: nobody may, without
        an override. Asked again at every reconnect, and never of the private rooms of users.

        What it raises makes the client ask again later.
        """
        return False

    async def receive_message(self, message: RoomMessage) -> None:
        """What a client says in a room: published there, if it has joined and ``authorize``
        lets it. It is acknowledged when this returns, and comes again with the same
        ``message.key`` if the client has not heard of that.

        Raises Refused; whatever else is raised makes the client send it again later.
        """
        assert self.session is not None
        if message.room not in self.session.room_reader.room_names:
            raise Refused("expected a room that was joined", ErrorCode.NOT_JOINED)
        if not await self.authorize(message.room, PUBLISH):
            raise Refused("expected a room that this user may publish in")
        await self.publish(message.room, message.data, key=message.key)

    async def publish(self, room: str, data: Any, *, key: str) -> Position:
        """Publish in the name of this client: once for the same ``key`` of the same user, in
        the same room. Raises StoreUnavailable, and Refused for data that cannot be."""
        worker = _own_worker()
        own = f"c:{self.peer.user}:{key}"  # nobody else's key means the same
        try:
            appended = await worker.publisher.publish(room, encode_data(data), own)
        except (TypeError, ValueError) as error:
            raise Refused(str(error), ErrorCode.INVALID_MESSAGE) from None
        return appended.position

    async def receive_bytes(self, data: bytes) -> None:
        """A binary frame. Without an override such frames are answered with an error."""
        raise RuntimeError("called only where it is overridden")

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame; it is queued, never waited for."""
        self.connection.send_bytes(data)

    # ------------------------------------------------------------ the connection's life

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Any:
        """The ASGI application. Sync code of an overridden ``__call__`` has threads like that of
        the handlers, for each sync call one."""
        return runtime.with_threads(super().as_asgi(**initkwargs))

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scope = scope
        await receive()  # websocket.connect
        if refusal := self._refusal():
            await send({"type": "websocket.close"})  # before accept: HTTP 403
            refusals.here().note(*refusal)
            return
        self._address = self._client_address()
        silence = (await self._worker()).ungreeted.admit(place_of(self._address))
        if silence is None:
            await send({"type": "websocket.close", "status": CROWDED})  # 403 on other servers
            refusals.here().note(Reason.LIMIT, _crowded(self._address))
            return
        with silence:
            self._greeted = silence.over
            await self._serve(receive, send)

    async def _worker(self) -> runtime.Runtime:
        """The worker, which is there from now on. Raises what its start raises."""
        try:
            return await runtime.start()
        except Exception as error:
            refusals.here().ended(None, error)
            raise

    async def _serve(self, receive: Receive, send: Send) -> None:
        await self._accept(send)
        # Without a reference to this consumer: an ended connection leaves no cycle behind.
        self._work = WorkQueue(partial(_give_up, self._handlers, self.connection))
        code = CloseCode.LOST.value
        try:
            code = await self._converse(receive)
            await self.connection.flush()
        except asyncio.CancelledError:
            if not self.connection.ended:  # else it is the end of our own patience
                raise
        finally:
            self._leave(code)

    def _refusal(self) -> tuple[Reason, str] | None:
        """Why the handshake is refused, in words for the log, or None."""
        offered = self.scope.get("subprotocols", ())
        if offered and SUBPROTOCOL not in offered:
            return Reason.PROTOCOL, f"expected the subprotocol {SUBPROTOCOL}, not {offered}"
        if not origin.is_allowed(self.scope, settings.allowed_origins):
            sent = origin.headers_of(self.scope).get(b"origin", b"").decode("latin1")
            return Reason.ORIGIN, f"the origin {sent} is not allowed"
        return None

    async def _accept(self, send: Send) -> None:
        worker = await runtime.start()
        task = asyncio.current_task()
        assert task is not None
        extensions = self.scope.get("extensions") or {}
        self.connection = Connection(
            send,
            worker.limits,
            drop=task.cancel,
            any_code=SERVER_EXTENSION in extensions,
            frames=extensions.get(FRAMES_EXTENSION),
        )
        self._handlers = HandlerCalls(worker.lender)
        offered = SUBPROTOCOL if self.scope.get("subprotocols") else None
        await send({"type": "websocket.accept", "subprotocol": offered})

    async def _converse(self, receive: Receive) -> int:
        """From hello to the end; the code the transport ended with."""
        worker = await runtime.start()
        try:
            with worker.hub.in_handshake(self.connection):
                admitted = await self._arrive(receive)
        except Exception as error:
            self._failure = error
            raise
        finally:
            if self.session is None and not self.connection.resume_refused:
                worker.refusals.ended(self.connection.ended, self._failure)
        return await self._receive_loop(receive) if admitted else CloseCode.LOST.value

    async def _arrive(self, receive: Receive) -> bool:
        hello = await self._hello(receive)
        return hello is not None and await self._admit(hello)

    async def _identify(self) -> Identified | None:
        """Who it is; None if that is nobody who may come in, who has been told so then."""
        worker = await runtime.start()
        try:
            login = await self._handlers.call(self.authenticate)
        except (AtCapacity, LoginsUnavailable):
            raise
        except StoreUnavailable as error:  # the application's own way to say so
            raise LoginsUnavailable(str(error)) from error
        if not login.user and not settings.allow_anonymous:
            self.connection.end(CloseCode.NOT_AUTHENTICATED)
            return None
        self.peer = self._handlers.peer = self._peer(login)
        known = login if login.key else None
        return Identified(self.peer, self._rights(), known, partial(worker.verdict, login))

    def _rights(self) -> Permissions:
        call = self._handlers.call
        return Permissions(
            private_room(self.peer.user),
            settings.max_rooms,
            lambda room, action: call(self.authorize, room, action),
        )

    def _turn_away(self, error: Exception) -> None:
        self._failure = error
        self.connection.end(CloseCode.TRY_AGAIN_LATER)

    def _client_address(self) -> str:
        headers = origin.headers_of(self.scope)
        proxies = parse_proxies(settings.trusted_proxies)
        return client_address(self.scope.get("client"), headers, proxies)

    def _peer(self, login: Login) -> Peer:
        headers = origin.headers_of(self.scope)
        return Peer(
            user=login.user,
            username=login.username,
            login=login.digest,
            address=self._address,
            agent=headers.get(b"user-agent", b"").replace(b"\0", b"").decode("latin1")[:300],
        )

    async def _hello(self, receive: Receive) -> Hello | None:
        try:
            async with asyncio.timeout(settings.hello_timeout):
                while not self.connection.ended:
                    event = await receive()
                    if event["type"] == "websocket.disconnect":
                        return None
                    if hello := self._greeting(event):
                        return hello
        except TimeoutError:
            self.connection.end(CloseCode.NO_HELLO)
        return None

    def _greeting(self, event: Event) -> Hello | None:
        text = event.get("text")
        if text is None:
            self._early_bytes(event.get("bytes") or b"")
            return None
        message = self.connection.read(text)
        if isinstance(message, Hello):
            self._greeted()
            if message.protocol == VERSION:
                return message
            expected = f"protocol errors: expected protocol {VERSION}"
            self.connection.end(CloseCode.PROTOCOL_ERRORS, expected)
        elif message is not None:
            self.connection.reject_frame(ErrorCode.NOT_READY, "expected hello first")
        return None

    def _early_bytes(self, data: bytes) -> None:
        if self.connection.admit_frame(len(data)):
            detail = "expected hello first, as text"
            self.connection.reject_frame(ErrorCode.NOT_READY, detail, id=BINARY)

    async def _admit(self, hello: Hello) -> bool:
        worker = await runtime.start()
        if worker.closing:
            self.connection.end(self.connection.shutdown_code(), delay_ms=worker.return_delay)
            return False
        self.session = await self._ask_admission(worker, hello)
        if self.session is None:
            return False
        self._handlers.session, call = self.session.record.id, self._handlers.call
        self._requests = RequestHandler(
            self.session,
            worker.rooms,
            worker.watchers,
            rights=self._rights(),
            receive=lambda message: call(self.receive_message, message),
            work=self._work,
            failed=self._handlers.failed,
        )
        return True

    async def _ask_admission(
        self, worker: runtime.Runtime, hello: Hello
    ) -> ConnectedSession | None:
        try:
            return await await_external(
                worker.admission.admit(self.connection, hello, self._identify)
            )
        except StoreUnavailable as error:
            self._turn_away(error)
        except Exception as error:
            self._handlers.failed()
            self._turn_away(error)
        return None

    async def _receive_loop(self, receive: Receive) -> int:
        requests = self._requests
        assert self.session is not None
        assert requests is not None
        hub, session, connection = (await runtime.start()).hub, self.session, self.connection
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return event.get("code") or CloseCode.LOST.value
            message = self._message(event)
            if isinstance(message, Join | Leave | RoomMessage):
                requests.put(message, size=len(event["text"]))
            elif message is not None:
                hub.receive(session, message)
            if connection.ended:
                hub.on_disconnect(session, CloseCode.LOST)

    def _message(self, event: Event) -> ClientMessage | None:
        text = event.get("text")
        if text is not None:
            return self.connection.read(text)
        self._binary(event.get("bytes") or b"")
        return None

    def _binary(self, data: bytes) -> None:
        if not self.connection.admit_frame(len(data)) or not self.connection.check_size(data):
            return
        if type(self).receive_bytes is RealtimeConsumer.receive_bytes:
            detail = "expected a text frame; nobody here takes binary ones"
            self.connection.reject_frame(ErrorCode.INVALID_MESSAGE, detail, id=BINARY)
            return
        assert self.session is not None
        self.session.touch(asyncio.get_running_loop().time())
        call = self._handlers.call
        if not self._work.put(lambda: call(self.receive_bytes, data), size=len(data)):
            detail = "expected fewer frames at a time; send this one again later"
            busy = Error(code=ErrorCode.RATE_LIMITED.value, detail=detail, id=BINARY)
            self.connection.send(busy)

    def _leave(self, code: int) -> None:
        self._work.stop()
        self._requests = self._failure = None  # they know this consumer
        if self.session is not None:
            self._depart(self.session, code)
        self.connection.release()

    def _depart(self, session: ConnectedSession, code: int) -> None:
        if worker := runtime.here():
            worker.hub.on_disconnect(session, code)


def _own_worker() -> runtime.Runtime:
    """The worker that serves this connection. Raises StoreUnavailable if it has ended: a handler
    that goes on after a drain makes no other one."""
    if worker := runtime.here():
        return worker
    raise StoreUnavailable("this worker has ended")


def _crowded(address: str) -> str:
    return (
        f"{settings.max_ungreeted} connections from {address or 'a Unix socket'} have not said "
        "hello (MAX_UNGREETED; TRUSTED_PROXIES if that is a proxy)"
    )


def _give_up(handlers: HandlerCalls, connection: Connection) -> None:
    """End a connection whose application failed: its client comes back."""
    handlers.failed()
    connection.end(CloseCode.TRY_AGAIN_LATER)
