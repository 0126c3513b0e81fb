"""A room as the application uses it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self
from weakref import WeakSet

from realtime.protocol.position import Position

from .errors import Resync, RoomLost
from .inbox import Inbox
from .presence import Presence
from .subscription import IncomingMessage, RoomCursor

SendCall = Callable[[str, Any], Awaitable[Position | None]]


class RoomHandle:
    """One reader of a room, with a place of its own: ``async for message in room``.

    The client is in the room from the first handle to the last. Iterating raises
    :class:`.Resync` where publications are missing and can be continued after it,
    :class:`.RoomLost`, :class:`.Behind` and :class:`.Disconnected` at the end. It ends without an
    exception after :meth:`close` and at the end of the client's block.
    """

    def __init__(
        self,
        name: str,
        *,
        since: Position | None,
        rewind: int,
        unknown: bool,
        send: SendCall,
        close: Callable[["RoomHandle"], None],
        watch: Callable[["RoomHandle", Inbox[Presence]], None],
    ) -> None:
        self.name = name
        self.cursor = RoomCursor(
            self._receive, self._on_synced, position=since, rewind=rewind, unknown=unknown
        )
        self._inbox: Inbox[IncomingMessage | Resync] = Inbox()
        self._send = send
        self._close = close
        self._watch = watch
        self.pictures: WeakSet[Inbox[Presence]] = WeakSet()  # one for each reader
        self._joined = asyncio.Event()
        self._position = since

    @property
    def position(self) -> Position | None:
        """The position after which this handle's reader goes on: that of the last message it has
        read, or the one it began with; None if it begins with the join and there was none yet. As
        ``since`` it continues there later, ``str()`` of it also in another process."""
        return self._position

    async def joined(self) -> None:
        """Await the room; none of its publications is missed from then on. Raises
        :class:`.RoomLost`, with the code ``left`` after :meth:`close` and the client's block, and
        :class:`.Behind` and :class:`.Disconnected`."""
        await self._joined.wait()
        self._inbox.raise_end()
        if self._inbox.ended:
            raise RoomLost("left", "the handle has ended")

    async def send(self, data: Any) -> Position | None:
        """Publish data, once, over as many connections as it takes; return its position once the
        server has it, None if the server's handler published nothing.

        Messages of a room keep their order. Raises TypeError and ValueError for data that is no
        JSON, too large, or nested too deep, and :class:`.SendFailed`. Cancelling drops a message
        that has not been sent yet.
        """
        return await self._send(self.name, data)

    def presence(self) -> AsyncIterator[Presence]:
        """Return an iterator over the users in the room: a picture once the room is joined, and one
        after each change, at most one a second, also across reconnects.

        There are none where the application describes none. It ends with the handle, but not with
        the Behind of messages that are not read. Raises :class:`.RequestFailed` if the server
        refuses, and :class:`.Behind` at 1,000 unread pictures.
        """
        inbox: Inbox[Presence] = Inbox()
        if self._inbox.ended:
            inbox.end(self._inbox.error)
        else:
            self.pictures.add(inbox)
            self._watch(self, inbox)
        return inbox

    def close(self) -> None:
        """Stop reading, and leave the room if this is its last handle. Unread messages are
        dropped."""
        self._inbox.clear()
        self.end()
        self._close(self)

    def end(self, error: BaseException | None = None) -> None:
        """End the iterations. Called by the client."""
        self._inbox.end(error)
        self.end_presence(error)
        self._joined.set()

    def end_presence(self, error: BaseException | None) -> None:
        """End the iterations over the users. Called by the client."""
        for inbox in tuple(self.pictures):
            inbox.end(error)
        self.pictures.clear()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> IncomingMessage:
        item = await self._inbox.next()
        self._position = item.position
        if isinstance(item, Resync):
            raise item
        return item

    def _receive(self, item: IncomingMessage | Resync) -> None:
        self._inbox.put(item)
        if self._inbox.ended and not self.pictures:  # with Behind
            self._close(self)

    def _on_synced(self) -> None:
        if self._position is None:
            self._position = self.cursor.position
        self._joined.set()
