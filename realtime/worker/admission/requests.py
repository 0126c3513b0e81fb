"""Serves a session's requests and binary frames: in order, off the loop that reads pongs."""

import asyncio
from functools import partial

from msgspec.structs import asdict

from realtime.common.tasks import await_external
from realtime.common.time_limit import time_limit
from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import (
    Ack,
    Error,
    Join,
    Joined,
    Leave,
    Left,
    Request,
    RoomMessage,
)
from realtime.protocol.presence_messages import WatchPresence
from realtime.protocol.room_messages import Acks, RoomMessages
from realtime.store.contract import StoreUnavailable

from ..rooms.permissions import Refused
from ..rooms.presence import Presences
from ..rooms.rooms import Rooms
from ..sessions.session import ConnectedSession
from .admission import SessionCallbacks
from .handler_queue import HandlerQueue
from .handlers import Handlers
from .identification import ADMISSION_TIMEOUT
from .login_renewal import LoginRenewal
from .message_results import serve_messages


class SessionRequests:
    """The requests of one session. Each gets one answer, with its ``id``.

    A request that fails loses nothing: the client gets ``unavailable``, keeps what it has sent,
    and sends it again. A binary frame whose handler fails ends the connection: the client comes
    back. Close it at the connection's end.
    """

    def __init__(
        self,
        session: ConnectedSession,
        rooms: Rooms,
        callbacks: SessionCallbacks,
        handlers: Handlers,
        renewal: LoginRenewal,
        *,
        presences: Presences,
    ) -> None:
        self._session = session
        self._rooms = rooms
        self._callbacks = callbacks
        self._handlers = handlers
        self._renewal = renewal
        self._presences = presences
        self._permissions = handlers.permissions()
        # The callback does not refer to this: an ended connection leaves no cycle behind.
        self._queue = HandlerQueue(partial(handlers.end_connection, session.connection))

    def close(self) -> None:
        """Cancel the call that is running, and drop those that wait."""
        self._queue.stop()

    def put(self, request: Request, *, size: int = 0) -> None:
        """Queue a request of a frame of ``size`` bytes, or answer it with ``rate_limited``."""
        if self._session.departed:
            return
        self._session.touch(asyncio.get_running_loop().time())
        if not self._queue.put(partial(self._serve, request), size=size):
            detail = "expected fewer requests at a time; send this one again later"
            self._refuse(request, Refused(detail, ErrorCode.RATE_LIMITED))

    def put_auth(self, auth: str) -> None:
        """Queue the token of a new login. If it cannot be used now, the client gets an error
        without an id, keeps its login, and is asked again."""
        if self._session.departed:
            return
        self._session.touch(asyncio.get_running_loop().time())
        if not self._queue.put(partial(self._renew_login, auth), size=len(auth)):
            self._report(ErrorCode.RATE_LIMITED, "expected fewer requests at a time")

    async def _renew_login(self, auth: str) -> None:
        try:
            await await_external(self._renewal.renew(self._session, self._handlers, auth))
        except Exception as error:
            if not isinstance(error, StoreUnavailable):
                self._handlers.log_failure()
            self._report(
                ErrorCode.UNAVAILABLE, "the new login could not be checked; it is asked again"
            )

    def _report(self, code: ErrorCode, detail: str) -> None:
        self._session.connection.send(Error(code.value, detail))

    def put_bytes(self, data: bytes) -> bool:
        """Queue a binary frame for the application; False if that exceeds a bound."""
        self._session.touch(asyncio.get_running_loop().time())
        return self._queue.put(partial(self._handlers.receive_bytes, data), size=len(data))

    async def _serve(self, request: Request) -> None:
        if self._session.departed:  # its client asks again after it has resumed
            return
        try:
            await await_external(self._answer(request))
        except Exception as error:
            self._refuse(request, self._handlers.refusal_for(error))

    def _refuse(self, request: Request, refused: Refused) -> None:
        self._session.connection.send(refused.to_error(request.room, request.id))

    async def _answer(self, request: Request) -> None:
        match request:
            case Join():
                await self._join(request)
            case Leave():
                self._leave(request)
            case WatchPresence():
                await self._watch_presence(request)
            case RoomMessage():
                self._permissions.check_publish(request.room)
                position = await self._handlers.receive_message(request)
                self._session.connection.send(Ack(request.id, position))
            case RoomMessages():
                self._permissions.check_publish(request.room)
                results = await serve_messages(self._handlers, request)
                self._session.connection.send(Acks(request.id, results))

    async def _join(self, join: Join) -> None:
        session, room = self._session, join.room
        async with time_limit(ADMISSION_TIMEOUT):
            await self._permissions.check_join(room, among=session.room_reader.room_names)
            newly = room not in session.room_reader.room_names
            described = await self._handlers.describe([room] if newly else [])
        async with self._rooms.prepare([room]):
            if session.departed:
                return
            if newly:
                self._rooms.check_new(room, session.record.peer)
            result = session.join(room, join.start, described.get(room))
            session.connection.send(Joined(room, id=join.id, **asdict(result)))
        if newly:
            self._callbacks.joined(session.record, [room])

    async def _watch_presence(self, request: WatchPresence) -> None:
        session, room, reader = self._session, request.room, self._session.room_reader
        self._permissions.check_watch(room, among=reader.room_names)
        if not session.connection.has_capacity:
            detail = "expected a client that reads the answers; ask again later"
            raise Refused(detail, ErrorCode.RATE_LIMITED)
        prepared = await self._presences.prepare(room)
        if not session.departed:
            self._presences.watch(
                room, reader, session.connection, prepared=prepared, id=request.id
            )

    def _leave(self, leave: Leave) -> None:
        session, room = self._session, leave.room
        self._permissions.check_leave(room)
        if room in session.room_reader.room_names:
            session.leave(room)
            self._callbacks.left(session.record, [room])
        session.connection.send(Left(room=room, id=leave.id))
