"""Drives one room: reads its log and delivers its publications, from one task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from realtime.common.tasks import start_task
from realtime.store.contract import StoreUnavailable

from .log_view import LogRead, LogSlice
from .room import Room

logger = logging.getLogger("realtime.worker")

# Seconds after a failed read; doubled each time.
FIRST_BACKOFF, MAX_BACKOFF = 0.25, 2.0


class RoomTask:
    """Runs a task while the room has something to do. ``read`` takes the room's name and a LogRead,
    returns a LogSlice, raises StoreUnavailable."""

    __slots__ = (
        "_backoff",
        "_backoff_end",
        "_loop",
        "_read",
        "_read_done",
        "_retired",
        "_retry_at",
        "room",
        "task",
    )

    def __init__(self, room: Room, read: Callable[[str, LogRead], Awaitable[LogSlice]]) -> None:
        self.room = room
        self._read = read
        self._loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None
        self._backoff_end: asyncio.Future[None] | None = None  # while it waits for a retry
        self._read_done: asyncio.Future[None] | None = None  # while a read is awaited
        self._backoff = self._retry_at = 0.0
        self._retired = False

    def wake(self) -> None:
        """Continue: the room has something to do."""
        if self._retired:
            return
        if self._backoff_end is not None:
            _finish(self._backoff_end)
        elif self.task is None or self.task.done():
            self.task = start_task(self._run(), name="realtime-room")

    async def resolve_conflicts(self) -> None:
        """Wait until a read has resolved all conflicts that the room's view has now. Raises
        StoreUnavailable if the read fails or the task is retired."""
        conflicts = self.room.log.conflicts
        while self.room.log.resolved_conflicts < conflicts:
            if self._retired:
                raise _retired_error()
            self.wake()
            if self._read_done is None:
                self._read_done = self._loop.create_future()
            await asyncio.shield(self._read_done)

    def retire(self) -> None:
        """End the task after the call to the store under way, because the room is empty. Waiting
        :meth:`resolve_conflicts` calls raise StoreUnavailable."""
        self._retired = True
        self._finish_read(_retired_error())
        if self._backoff_end is not None:
            _finish(self._backoff_end)

    # ------------------------------------------------------------ the task

    async def _run(self) -> None:
        while not self._retired:
            await _run_steps(self.room.fan_out())
            read = self.room.next_read()
            if read is None:
                return
            if self._loop.time() < self._retry_at:
                await self._wait_for_retry()
            else:
                await self._read_page(read)

    async def _read_page(self, read: LogRead) -> None:
        try:
            page = await self._read(self.room.name, read)
            await _run_steps(self.room.apply_page(read, page))
        except StoreUnavailable as error:
            self._on_failure(error)
        except Exception:  # a defect must not end this task: members would get nothing more
            logger.exception("the log of %s could not be read", self.room.name)
            self._on_failure(StoreUnavailable("the log could not be read"))
        else:
            self._backoff = 0.0
            self._finish_read(None)

    def _on_failure(self, error: StoreUnavailable) -> None:
        self._backoff = min(max(2 * self._backoff, FIRST_BACKOFF), MAX_BACKOFF)
        self._retry_at = self._loop.time() + self._backoff
        self._finish_read(error)

    def _finish_read(self, error: StoreUnavailable | None) -> None:
        done, self._read_done = self._read_done, None
        if done is None:
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
            done.exception()  # retrieved, in case all who waited were cancelled

    async def _wait_for_retry(self) -> None:
        """Wait until ``_retry_at``, or until :meth:`wake`: there may be something to fan out."""
        self._backoff_end = self._loop.create_future()
        timer = self._loop.call_at(self._retry_at, _finish, self._backoff_end)
        try:
            await self._backoff_end
        finally:
            timer.cancel()
            self._backoff_end = None


def _retired_error() -> StoreUnavailable:
    return StoreUnavailable("this room is not driven any more")


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _run_steps(steps: Iterator[None]) -> None:
    for _ in steps:
        await asyncio.sleep(0)
