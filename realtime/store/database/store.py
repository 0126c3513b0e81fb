"""The driver of the store on Django models for an event loop: one writer, commits in groups."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from realtime.common.tasks import start_task
from realtime.common.threads import CLOSE_TIMEOUT, Overloaded, Threads

from ..contract import BATCH, AtCapacity, Store, StoreUnavailable
from ..log import Log, LogEnd, LogPage, PublishRequest, PublishResult, check_requests
from ..operation import Operation, P, T
from .append_queue import AppendQueue
from .blocking import BlockingDatabaseStore
from .log import LogOperations
from .transaction import Deadlock

MAX_WAITING = 20_000  # writes waiting for a database that hangs; further ones raise AtCapacity


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that waits for the next transaction, or for one of its own."""

    call: Callable[[], Any]
    alone: bool
    answer: "asyncio.Future[Any]"


class DatabaseStore(Store):
    """Runs the operations in ``threads``.

    Writes wait in one queue; a single writer takes those that wait, at most BATCH, into one
    transaction, so a storm of connects costs a few commits and SQLite never sees two writers of
    this process. Reads leave one thread to the writer, so that slow ones delay no beat. A call
    takes at most ``timeout`` seconds, then raises StoreUnavailable; it may still take effect.
    """

    def __init__(
        self, blocking: BlockingDatabaseStore, threads: Threads, *, timeout: float
    ) -> None:
        self.blocking: BlockingDatabaseStore = blocking
        self._operations = blocking.operations
        self.database = blocking.database
        self.log: DatabaseLog = DatabaseLog(self, self._operations.log)
        self._threads = threads
        self._timeout = timeout
        self._reading = asyncio.Semaphore(max(threads.size - 1, 1))
        self._writes: deque[_Write] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        call: Callable[[], T] = partial(getattr(self._operations, operation.name), *args, **kwargs)
        if not operation.writes:
            return await self.read(call)
        alone = self._operations.needs_own_transaction(operation.name, kwargs)
        return await self.write(call, alone=alone)

    async def aclose(self) -> None:
        tasks = [task for task in (self._writer, self.log.append_queue.task) if task]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)

    async def read(self, call: Callable[[], T]) -> T:
        """Run a read in a thread."""
        return await self.in_time(self._run_reader(call))

    async def _run_reader(self, call: Callable[[], T]) -> T:
        await self._reading.acquire()
        try:
            future = self._threads.submit(call)
        except BaseException as error:
            self._reading.release()
            if isinstance(error, Overloaded):
                raise _at_capacity() from None
            raise
        # Cancelling does not stop the call; it keeps its thread until it ends.
        future.add_done_callback(partial(_release, self._reading, asyncio.get_running_loop()))
        return await asyncio.wrap_future(future)

    async def write(self, call: Callable[[], T], *, alone: bool = False) -> T:
        """Run a write in a thread, in a transaction shared with others unless ``alone``."""
        if len(self._writes) >= MAX_WAITING:
            raise AtCapacity("too many writes are waiting for the database")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writes.append(_Write(call, alone, answer))
        if self._writer is None or self._writer.done():
            self._writer = start_task(self._drain(), name="realtime-store-writer")
        return await self.in_time(answer)

    async def in_time(self, answer: Awaitable[T]) -> T:
        """Wait for an answer; raises StoreUnavailable after the timeout."""
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._timeout:g} s") from None

    async def _drain(self) -> None:
        """Write until no call waits. Cancelled calls are not begun."""
        while self._writes:
            group = [write for write in self._next_group() if not write.answer.done()]
            results = await self._results(group) if group else []
            for write, result in zip(group, results, strict=False):
                _settle(write.answer, result)
            self._writes.extendleft(reversed(group[len(results) :]))

    def _next_group(self) -> list[_Write]:
        group = [self._writes.popleft()]
        while self._writes and len(group) < BATCH and not (group[0].alone or self._writes[0].alone):
            group.append(self._writes.popleft())
        return group

    async def _results(self, group: Sequence[_Write]) -> list[Any]:
        try:
            return await self._run(lambda: self._commit(group))
        except Exception as error:  # raised in every call of this transaction
            return [error] * len(group)

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await self._threads.run(call)
        except Overloaded:
            raise _at_capacity() from None

    def _commit(self, group: Sequence[_Write]) -> list[Any]:
        """Run the calls in one transaction, each in a savepoint of its own; their results.

        A call that needs its own transaction begins it itself. Two processes that lock the same
        rows in groups may deadlock. The call that the database then aborts begins the next
        transaction, after the locks of the calls before it are free.
        """
        if group[0].alone:
            return [_outcome(group[0])]
        results: list[Any] = []
        with self.database.write():
            for write in group:
                result = _outcome(write)
                if results and isinstance(result, Deadlock):
                    break
                results.append(result)
        return results


class DatabaseLog(Log):
    """The log of that store.

    Concurrent appends are grouped. Where transactions run side by side, writes that lock rooms
    never share one: together they would lock rooms in any order.
    """

    def __init__(self, store: DatabaseStore, operations: LogOperations) -> None:
        self._store = store
        self._operations = operations
        self.append_queue = AppendQueue(self._append)

    async def perform(self, operation: Operation[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        call: Callable[[], T] = partial(getattr(self._operations, operation.name), *args, **kwargs)
        return await (self._store.write(call) if operation.writes else self._store.read(call))

    async def append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        check_requests(requests)  # a mistake must not fail the requests of other calls
        return await self._store.in_time(self.append_queue.add(requests)) if requests else ()

    async def _append(self, requests: Sequence[PublishRequest]) -> tuple[PublishResult, ...]:
        alone = self._store.database.is_shared
        return await self._store.write(lambda: self._operations.append(requests), alone=alone)

    async def read(self, room: str, *, after: int, limit: int, max_bytes: int) -> LogPage:
        what = {"after": after, "limit": limit, "max_bytes": max_bytes}
        while (
            page := await self._store.read(lambda: self._operations.find_page(room, **what))
        ) is None:
            await self._touch([room])
        return page

    async def ends(self, rooms: Sequence[str], *, keep: bool = True) -> Mapping[str, LogEnd]:
        find = partial(self._operations.find_ends, rooms, keep=keep)
        known, to_touch = await self._store.read(find)
        return {**known, **await self._touch(to_touch)} if to_touch else known

    async def _touch(self, rooms: Sequence[str]) -> dict[str, LogEnd]:
        alone = self._store.database.is_shared
        return await self._store.write(lambda: self._operations.touch(rooms), alone=alone)


def _at_capacity() -> AtCapacity:
    return AtCapacity("too many calls are waiting for the database")


def _release(slots: asyncio.Semaphore, loop: asyncio.AbstractEventLoop, _: object) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(slots.release)


def _outcome(write: _Write) -> Any:
    if write.answer.done():  # cancelled while the transaction waited for its lock
        return None
    try:
        return write.call()
    except Exception as error:  # raised in this call
        return error


def _settle(answer: "asyncio.Future[Any]", result: Any) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
