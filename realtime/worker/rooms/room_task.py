"""What makes a room go: its log is read, and what comes is handed out, by one task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from realtime.store.contract import StoreUnavailable

from .log_view import LogRead, LogSlice
from .room import Room

logger = logging.getLogger("realtime.worker")

# After a read that failed: so many seconds, then twice as long each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0


class RoomTask:
    """Drives one room, from a task that exists only while there is something to do."""

    __slots__ = (
        "_loop",
        "_next_read",
        "_not_before",
        "_pause",
        "_read",
        "_rest",
        "_retired",
        "room",
        "task",
    )

    def __init__(self, room: Room, read: Callable[[str, LogRead], Awaitable[LogSlice]]) -> None:
        self.room = room
        self._read = read
        self._loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[None] | None = None  # while a failed read is not repeated
        self._next_read: asyncio.Future[None] | None = None  # for those who wait for its end
        self._pause = self._not_before = 0.0
        self._retired = False

    def go_on(self) -> None:
        """There is something to do."""
        if self._retired:
            return
        if self._rest is not None:
            _wake(self._rest)
        elif self.task is None or self.task.done():
            self.task = self._loop.create_task(self._run(), name="realtime-room")

    async def clear(self) -> None:
        """Wait until the store was asked about every doubt there is now.

        Raises StoreUnavailable.
        """
        doubts = self.room.log.doubts
        while self.room.log.cleared < doubts:
            if self._retired:
                raise _the_end()
            self.go_on()
            if self._next_read is None:
                self._next_read = self._loop.create_future()
            await asyncio.shield(self._next_read)

    def retire(self) -> None:
        """Nobody is in the room any more: the task ends as soon as the store lets it, and
        whoever waits for a read is told so."""
        self._retired = True
        self._tell(_the_end())
        if self._rest is not None:
            _wake(self._rest)

    # ------------------------------------------------------------ the task

    async def _run(self) -> None:
        while not self._retired:
            await _through(self.room.hand_out())
            read = self.room.wants()
            if read is None:
                return
            if self._loop.time() < self._not_before:
                await self._until(self._not_before)
            else:
                await self._step(read)

    async def _step(self, read: LogRead) -> None:
        try:
            page = await self._read(self.room.name, read)
            await _through(self.room.absorb(read, page))
        except StoreUnavailable as error:
            self._failed(error)
        except Exception:  # a defect must not end this task: nobody would get anything
            logger.exception("the log of %s could not be read", self.room.name)
            self._failed(StoreUnavailable("the log could not be read"))
        else:
            self._pause = 0.0
            self._tell(None)

    def _failed(self, error: StoreUnavailable) -> None:
        self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
        self._not_before = self._loop.time() + self._pause
        self._tell(error)

    def _tell(self, error: StoreUnavailable | None) -> None:
        """A read has ended."""
        waiting, self._next_read = self._next_read, None
        if waiting is None:
            return
        if error is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(error)
            waiting.exception()  # also if nobody waits any more

    async def _until(self, moment: float) -> None:
        """Rest, but hand out what comes meanwhile."""
        self._rest = self._loop.create_future()
        timer = self._loop.call_at(moment, _wake, self._rest)
        try:
            await self._rest
        finally:
            timer.cancel()
            self._rest = None


def _the_end() -> StoreUnavailable:
    return StoreUnavailable("this room is not driven any more")


def _wake(rest: "asyncio.Future[None]") -> None:
    if not rest.done():
        rest.set_result(None)


async def _through(steps: Iterator[None]) -> None:
    for _ in steps:
        await asyncio.sleep(0)
