"""The driver of the message log on Django models for an event loop."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from ..log import Log, LogEnd, LogPage, PublishRequest, PublishResult, check_requests
from ..operation import Operation, P, T
from .append_queue import AppendQueue
from .log import LogOperations
from .transaction import Database


class ReadRunner(Protocol):
    """Runs a read in a thread."""

    async def __call__(self, call: Callable[[], T]) -> T: ...


class WriteRunner(Protocol):
    """Runs a write in a thread, in a transaction shared with others unless ``alone``."""

    async def __call__(self, call: Callable[[], T], *, alone: bool = False) -> T: ...


class TimedWait(Protocol):
    """Waits for an answer; raises StoreUnavailable after the store's timeout."""

    async def __call__(self, answer: Awaitable[T]) -> T: ...


class DatabaseLog(Log):
    """The log of that store.

    Concurrent appends are grouped. Where transactions run side by side, writes that lock rooms
    never share one: together they would lock rooms in any order.
    """

    def __init__(
        self,
        operations: LogOperations,
        database: Database,
        read: ReadRunner,
        write: WriteRunner,
        in_time: TimedWait,
    ) -> None:
        self._operations = operations
        self._database = database
        self._read = read
        self._write = write
        self._in_time = in_time
        self.append_queue = AppendQueue(self._append)

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        call: Callable[[], T] = partial(getattr(self._operations, operation.name), *args, **kwargs)
        return await (self._write(call) if operation.writes else self._read(call))

    async def append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        check_requests(requests)  # a mistake must not fail the requests of other calls
        return await self._in_time(self.append_queue.add(requests)) if requests else ()

    async def _append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        alone = self._database.is_shared
        return await self._write(lambda: self._operations.append(requests), alone=alone)

    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        what = {"after": after, "limit": limit, "max_bytes": max_bytes}
        while (page := await self._read(lambda: self._operations.find_page(room, **what))) is None:
            await self._touch([room])
        return page

    async def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        known, to_touch = await self._read(lambda: self._operations.find_ends(rooms))
        return {**known, **await self._touch(to_touch)} if to_touch else known

    async def _touch(self, rooms: Sequence[str]) -> dict[str, LogEnd]:
        alone = self._database.is_shared
        return await self._write(lambda: self._operations.touch(rooms), alone=alone)
