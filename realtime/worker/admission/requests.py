"""What a session asks for that takes time: served in order, off the loop that reads pongs."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from realtime.common.tasks import await_external
from realtime.common.time_limit import time_limit
from realtime.protocol.codes import ErrorCode
from realtime.protocol.messages import (
    Ack,
    Join,
    Joined,
    JoinResult,
    Leave,
    Left,
    Request,
    RoomMessage,
)
from realtime.store.contract import StoreUnavailable

from ..rooms.permissions import Permissions, Refused
from ..rooms.rooms import Rooms
from ..sessions.session import ConnectedSession
from .handler_queue import WorkQueue
from .handshake import PATIENCE, SessionCallbacks

LATER = "expected to be asked again later"


class RequestHandler:
    """The requests of one session. Each gets one answer, with its ``id``.

    A handler that fails loses nothing: the client is told ``unavailable``, keeps what it has
    sent, and sends it again. ``failed`` is called meanwhile, to log the exception.
    """

    def __init__(
        self,
        session: ConnectedSession,
        rooms: Rooms,
        watchers: SessionCallbacks,
        *,
        rights: Permissions,
        receive: Callable[[RoomMessage], Awaitable[None]],
        work: WorkQueue,
        failed: Callable[[], None],
    ) -> None:
        self._session = session
        self._rooms = rooms
        self._watchers = watchers
        self._rights = rights
        self._receive = receive
        self._work = work
        self._failed = failed

    def put(self, request: Request, *, size: int = 0) -> None:
        """Take a request that came in a frame of ``size`` bytes; what is too much is answered at
        once."""
        if self._session.departed:
            return
        self._session.touch(asyncio.get_running_loop().time())
        if not self._work.put(partial(self._serve, request), size=size):
            detail = "expected fewer requests at a time; send this one again later"
            self._refuse(request, Refused(detail, ErrorCode.RATE_LIMITED))

    async def _serve(self, request: Request) -> None:
        if self._session.departed:  # whoever comes back asks again
            return
        try:
            await await_external(self._answer(request))
        except Refused as refused:
            self._refuse(request, refused)
        except StoreUnavailable:
            self._refuse(request, Refused(LATER, ErrorCode.UNAVAILABLE))
        except Exception:
            self._failed()
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
                self._rights.check_publish(request.room)
                await self._receive(request)
                self._session.connection.send(Ack(id=request.id))

    async def _join(self, join: Join) -> None:
        session, room = self._session, join.room
        async with time_limit(PATIENCE):
            await self._rights.check_join(room, among=session.room_reader.room_names)
        async with self._rooms.prepare([room]):
            if session.departed:
                return
            newly = room not in session.room_reader.room_names
            if newly:
                self._rooms.check_new(room, session.record.peer)
            entry = session.join(room, join.position)
            session.connection.send(_joined(join, entry))
        if newly:
            self._watchers.joined(session.record, [room])

    def _leave(self, leave: Leave) -> None:
        session, room = self._session, leave.room
        self._rights.check_leave(room)
        if room in session.room_reader.room_names:
            session.leave(room)
            self._watchers.left(session.record, [room])
        session.connection.send(Left(room=room, id=leave.id))


def _joined(join: Join, entry: JoinResult) -> Joined:
    return Joined(
        room=join.room,
        epoch=entry.epoch,
        offset=entry.offset,
        recovered=entry.recovered,
        reason=entry.reason,
        id=join.id,
    )
