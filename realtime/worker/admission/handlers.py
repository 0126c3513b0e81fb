"""The application's handlers, as admission and requests call them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Overloaded
from realtime.common.time_limit import time_limit
from realtime.events.session_log import printable
from realtime.protocol.codes import CloseCode, ErrorCode
from realtime.protocol.messages import RoomMessage
from realtime.protocol.position import Position
from realtime.protocol.request_messages import ClientRequest
from realtime.protocol.rooms import is_private
from realtime.security.authentication import Login
from realtime.store.contract import AtCapacity, LoginsUnavailable, StoreUnavailable
from realtime.store.records import Peer

from ..connections.connection import Connection
from ..rooms.permissions import Permissions, Refused, private_room
from ..sessions.checked_login import CheckedLogin
from ..sessions.session import ConnectedSession
from .served_message import ServedMessage

logger = logging.getLogger("realtime.work")

T = TypeVar("T")

LATER = "expected to be asked again later"
NO_THREAD = "no thread was free for the application's code"


class Application(Protocol):
    """The application's side of one connection, see :class:`.RealtimeConsumer`. Its attributes are
    set as they become known; until the login ``peer`` has only an address and an agent. ``auth`` is
    the client's token while ``authenticate`` runs, None without."""

    scope: Any
    connection: Connection
    peer: Peer
    session: ConnectedSession | None
    auth: str | None

    @property
    def only_publishes(self) -> bool: ...
    @property
    def describes_presence(self) -> bool: ...
    @classmethod
    async def ended_tokens(cls, logins: Sequence[Login]) -> Iterable[Login]: ...
    async def authenticate(self) -> Login: ...
    async def authorize(self, room: str, action: str) -> bool: ...
    async def description_in(self, room: str, user: str) -> str | None: ...
    async def receive_message(self, message: RoomMessage) -> None: ...
    async def publish_messages(
        self, messages: Sequence[RoomMessage]
    ) -> Sequence[Position | Refused]: ...
    def receive_request(self, request: ClientRequest) -> Any: ...
    async def receive_bytes(self, data: bytes) -> None: ...


class Handlers:
    """Calls the handlers of one connection, one at a time, and beside them the steps of requests.
    Each call and each step gets its own thread for its sync code, and raises AtCapacity if none was
    free. Keeps ``peer`` and ``session``, which an application may have overwritten."""

    __slots__ = ("_max_rooms", "_running", "_threads", "application", "peer", "session")

    def __init__(self, application: Application, threads: HandlerThreads, max_rooms: int) -> None:
        self.application = application
        self.peer = application.peer
        self.session: ConnectedSession | None = None
        self._threads = threads
        self._max_rooms = max_rooms
        self._running = ""  # the name of the handler that runs, or has failed

    async def authenticate(self, auth: str | None) -> Login:
        """The login of a client that has brought this token, or none. Raises LoginsUnavailable
        where an override raises StoreUnavailable."""
        self.application.auth = auth
        try:
            return await self._call(self.application.authenticate)
        except (AtCapacity, LoginsUnavailable):
            raise
        except StoreUnavailable as error:
            raise LoginsUnavailable(str(error)) from error
        finally:
            self.application.auth = None

    def checked(self, login: Login) -> CheckedLogin | None:
        """The login as it can be checked again; None if it cannot be."""
        if login.is_token:
            return CheckedLogin(login, type(self.application))
        return CheckedLogin(login) if login.key else None

    def authorize(self, room: str, action: str) -> Awaitable[bool]:
        return self._call(self.application.authorize, room, action)

    async def describe(self, rooms: Collection[str]) -> dict[str, str]:
        """The descriptions of the client's user in those of the rooms where others may see it, as
        JSON; "" for an anonymous client, which is counted only. A description that cannot be made
        is logged, and the user is not present there. Raises StoreUnavailable."""
        if not self.application.describes_presence:
            return {}
        shared = [room for room in rooms if not is_private(room)]
        if not self.peer.user:
            return dict.fromkeys(shared, "")
        described = {room: await self._description_in(room) for room in shared}
        return {room: text for room, text in described.items() if text is not None}

    async def _description_in(self, room: str) -> str | None:
        try:
            return await self._call(self.application.description_in, room, self.peer.user)
        except StoreUnavailable:
            raise
        except Exception:
            self.log_failure("describe_presence")
            self._running = ""
            return None

    async def receive_message(self, message: RoomMessage) -> Position | None:
        """Serve a message; the position of the first publication that this made in its room."""
        with ServedMessage.in_room(message.room) as served:
            await self._call(self.application.receive_message, message)
        return served.position

    @property
    def only_publishes(self) -> bool:
        """Whether :meth:`publish_messages` may be called, instead of :meth:`receive_message`."""
        return self.application.only_publishes

    def publish_messages(
        self, messages: Sequence[RoomMessage]
    ) -> Awaitable[Sequence[Position | Refused]]:
        return self._call(self.application.publish_messages, messages)

    def receive_bytes(self, data: bytes) -> Awaitable[None]:
        return self._call(self.application.receive_bytes, data)

    async def receive_request(self, request: ClientRequest) -> Any:
        """The answer of the application, or an iterable of its parts. Call it in a step."""
        answer = self.application.receive_request(request)
        return await answer if isawaitable(answer) else answer

    async def step(self, step: Callable[[], Awaitable[T]], *, within: float) -> T:
        """Run a step of a request, ``within`` seconds. Raises AtCapacity, TimeoutError, and
        what the step raises. A step that is cancelled ends when its thread is free."""
        try:
            with self._threads.executor() as executor:
                try:
                    async with time_limit(within):
                        return await step()
                except asyncio.CancelledError:
                    if executor.unfinished:  # a client that cancels occupies no further threads
                        await asyncio.wrap_future(executor.submit(int))
                    raise
        except Overloaded:
            raise AtCapacity(NO_THREAD) from None

    def permissions(self) -> Permissions:
        """The client's permissions, once its login is known."""
        own_room = private_room(self.peer.user)
        return Permissions(own_room, self._max_rooms, self.authorize)

    async def _call(self, handler: Callable[..., Awaitable[T]], *args: object) -> T:
        self._running = getattr(handler, "__name__", repr(handler))
        try:
            with self._threads.executor():
                result = await handler(*args)
        except Overloaded:
            raise AtCapacity(NO_THREAD) from None
        self._running = ""
        return result

    def refusal_for(self, error: Exception) -> Refused:
        """The answer to a request that has failed with the exception that is being handled, which
        is logged if it is a defect."""
        if isinstance(error, Refused):
            return error
        if not isinstance(error, StoreUnavailable):
            self.log_failure()
        return Refused(LATER, ErrorCode.UNAVAILABLE)

    def end_connection(self, connection: Connection) -> None:
        """Log the exception that is being handled and end the connection: the client returns."""
        self.log_failure()
        connection.end(CloseCode.TRY_AGAIN_LATER)

    def log_failure(self, handler: str = "") -> None:
        """Log the exception that is being handled, as that of this handler; without a name, of the
        one that has failed last."""
        peer, session, handler = self.peer, self.session, handler or self._running
        failure = f"a handler of the application failed: {handler}"
        name = f" ({peer.username})" if peer.username else ""
        user = f"{peer.user}{name}" if peer.user else "anonymous"
        shown = session.id[:8] if session else ""
        logger.exception(
            "%s, user %s, session %s",
            failure if handler else "a request could not be served",
            user if user.isprintable() else ascii(user),
            shown or "none yet",
            extra={"handler": handler, "user": printable(peer.user), "session": shown},
        )
