"""Reads about rooms that share calls."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from realtime.common.tasks import start_task
from realtime.store.contract import StoreUnavailable

T = TypeVar("T")

# Calls under way at a time. Requests meanwhile share the next call; more calls would be smaller.
MAX_CALLS = 2


class WorkerStopped(StoreUnavailable):
    """The worker has ended meanwhile; the client finds another one."""


class _BatchedCall(Generic[T]):
    """One call that will be made for these rooms."""

    __slots__ = ("rooms", "task")

    task: asyncio.Task[Mapping[str, T]]

    def __init__(self) -> None:
        self.rooms: set[str] = set()


class BatchedReads(Generic[T]):
    """Reads one thing about rooms. Requests of one turn of the loop, and those made while MAX_CALLS
    calls are under way, share calls of ``call(rooms)`` about at most ``most`` rooms."""

    def __init__(
        self, call: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], *, most: int, name: str
    ) -> None:
        self._call = call
        self._most = most
        self._name = name
        self._next: _BatchedCall[T] | None = None
        self._call_slots = asyncio.Semaphore(MAX_CALLS)
        self._tasks: set[asyncio.Task[Mapping[str, T]]] = set()

    async def read(self, rooms: Collection[str]) -> dict[str, T]:
        """Return the answers for these rooms, read after this call began. Raises what the calls
        raise, and StoreUnavailable for a wait that :meth:`stop` ends."""
        calls = {self._call_for(room): None for room in rooms}
        if calls:
            await asyncio.wait([call.task for call in calls])
        answers: dict[str, T] = {}
        for call in calls:
            if call.task.cancelled():
                raise WorkerStopped("this worker ends")
            answers.update(call.task.result())
        return {room: answers[room] for room in rooms}

    def _call_for(self, room: str) -> _BatchedCall[T]:
        call = self._next
        if call is None or len(call.rooms) >= self._most:
            call = self._next = _BatchedCall()
            call.task = start_task(self._read(call), name=self._name)
            self._tasks.add(call.task)
            call.task.add_done_callback(self._discard)
        call.rooms.add(room)
        return call

    async def _read(self, call: _BatchedCall[T]) -> Mapping[str, T]:
        async with self._call_slots:
            if self._next is call:
                self._next = None
            return await self._call(list(call.rooms))

    def _discard(self, task: asyncio.Task[Mapping[str, T]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, in case all requests were cancelled

    async def stop(self) -> None:
        """Cancel all calls; waiting requests raise StoreUnavailable."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
