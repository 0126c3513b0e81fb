"""Batched reads of where logs end."""

import asyncio
from collections.abc import Collection, Mapping

from realtime.common.tasks import start_task
from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, Log, LogEnd

# Calls under way at a time. Requests meanwhile share the next call; more calls would be smaller.
MAX_CALLS = 2


class WorkerStopped(StoreUnavailable):
    """The worker has ended meanwhile; the client finds another one."""


class _BatchedCall:
    """One call to the log that will be made for these rooms."""

    __slots__ = ("rooms", "task")

    task: asyncio.Task[Mapping[str, LogEnd]]

    def __init__(self) -> None:
        self.rooms: set[str] = set()


class LogEnds:
    """Reads where logs end. Requests of one turn of the loop, and those made while MAX_CALLS
    calls are under way, share calls about at most MAX_BATCH rooms."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next: _BatchedCall | None = None
        self._call_slots = asyncio.Semaphore(MAX_CALLS)
        self._tasks: set[asyncio.Task[Mapping[str, LogEnd]]] = set()

    async def read(self, rooms: Collection[str]) -> dict[str, LogEnd]:
        """Return where the logs of these rooms end, read from the store after this call began.
        Raises StoreUnavailable, also for a wait that :meth:`stop` ends."""
        calls = {self._call_for(room): None for room in rooms}
        if calls:
            await asyncio.wait([call.task for call in calls])
        ends: dict[str, LogEnd] = {}
        for call in calls:
            if call.task.cancelled():
                raise WorkerStopped("this worker ends")
            ends.update(call.task.result())
        return {room: ends[room] for room in rooms}

    def _call_for(self, room: str) -> _BatchedCall:
        call = self._next
        if call is None or len(call.rooms) >= MAX_BATCH:
            call = self._next = _BatchedCall()
            call.task = start_task(self._read(call), name="realtime-ends")
            self._tasks.add(call.task)
            call.task.add_done_callback(self._discard)
        call.rooms.add(room)
        return call

    async def _read(self, call: _BatchedCall) -> Mapping[str, LogEnd]:
        async with self._call_slots:
            if self._next is call:
                self._next = None
            return await self._log.ends(list(call.rooms))

    def _discard(self, task: asyncio.Task[Mapping[str, LogEnd]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, in case all requests were cancelled

    async def stop(self) -> None:
        """Cancel all calls; waiting requests raise StoreUnavailable."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
