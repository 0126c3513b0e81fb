"""Serves a session's requests: in order, off the loop that reads pongs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from realtime.common.tasks import await_external
from realtime.common.time_limit import time_limit
from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import Ack, Join, Joined, Leave, Left, Request, RoomMessage
from realtime.store.contract import StoreUnavailable

from ..rooms.permissions import Permissions, Refused
from ..rooms.rooms import Rooms
from ..sessions.session import ConnectedSession
from .handler_queue import HandlerQueue
from .handshake import ADMISSION_TIMEOUT
from .pending import SessionCallbacks

LATER = "expected to be asked again later"


class RequestHandler:
    """The requests of one session. Each gets one answer, with its ``id``.

    A request that fails loses nothing: the client gets ``unavailable``, keeps what it has sent,
    and sends it again. ``on_failure()`` is called while the exception is handled, to log it.
    ``receive(message)`` handles a message of the client in a room.
    """

    def __init__(
        self,
        session: ConnectedSession,
        rooms: Rooms,
        callbacks: SessionCallbacks,
        *,
        permissions: Permissions,
        receive: Callable[[RoomMessage], Awaitable[None]],
        queue: HandlerQueue,
        on_failure: Callable[[], None],
    ) -> None:
        self._session = session
        self._rooms = rooms
        self._callbacks = callbacks
        self._permissions = permissions
        self._receive = receive
        self._queue = queue
        self._on_failure = on_failure

    def put(self, request: Request, *, size: int = 0) -> None:
        """Queue a request of a frame of ``size`` bytes, or answer it with ``rate_limited``."""
        if self._session.departed:
            return
        self._session.touch(asyncio.get_running_loop().time())
        if not self._queue.put(partial(self._serve, request), size=size):
            detail = "expected fewer requests at a time; send this one again later"
            self._refuse(request, Refused(detail, ErrorCode.RATE_LIMITED))

    async def _serve(self, request: Request) -> None:
        if self._session.departed:  # its client asks again after it has resumed
            return
        try:
            await await_external(self._answer(request))
        except Refused as refused:
            self._refuse(request, refused)
        except Exception as error:
            if not isinstance(error, StoreUnavailable):
                self._on_failure()
            self._refuse(request, Refused(LATER, ErrorCode.UNAVAILABLE))

    def _refuse(self, request: Request, refused: Refused) -> None:
        self._session.connection.send(refused.to_error(request.room, request.id))

    async def _answer(self, request: Request) -> None:
        match request:
            case Join():
                await self._join(request)
            case Leave():
                self._leave(request)
            case RoomMessage():
                self._permissions.check_publish(request.room)
                await self._receive(request)
                self._session.connection.send(Ack(id=request.id))

    async def _join(self, join: Join) -> None:
        session, room = self._session, join.room
        async with time_limit(ADMISSION_TIMEOUT):
            await self._permissions.check_join(room, among=session.room_reader.room_names)
        async with self._rooms.prepare([room]):
            if session.departed:
                return
            newly = room not in session.room_reader.room_names
            if newly:
                self._rooms.check_new(room, session.record.peer)
            result = session.join(room, join.position)
            joined = Joined(
                room=room,
                epoch=result.epoch,
                offset=result.offset,
                recovered=result.recovered,
                reason=result.reason,
                id=join.id,
            )
            session.connection.send(joined)
        if newly:
            self._callbacks.joined(session.record, [room])

    def _leave(self, leave: Leave) -> None:
        session, room = self._session, leave.room
        self._permissions.check_leave(room)
        if room in session.room_reader.room_names:
            session.leave(room)
            self._callbacks.left(session.record, [room])
        session.connection.send(Left(room=room, id=leave.id))
