"""Where logs end, asked for many at once."""

import asyncio
from collections.abc import Collection, Mapping

from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, Log, LogEnd

# So many calls at a time. Who asks meanwhile goes with the next, so more would only make
# smaller ones.
CALLS = 2


class _Call:
    """One call to be made about these rooms."""

    __slots__ = ("rooms", "task")

    task: asyncio.Task[Mapping[str, LogEnd]]

    def __init__(self) -> None:
        self.rooms: set[str] = set()


class LogEnds:
    """Asks the log on behalf of everybody who asks in the same turn of the loop, or while
    CALLS calls are under way, in calls about at most MOST rooms."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next: _Call | None = None
        self._turn = asyncio.Semaphore(CALLS)
        self._tasks: set[asyncio.Task[Mapping[str, LogEnd]]] = set()

    async def of(self, rooms: Collection[str]) -> dict[str, LogEnd]:
        """Where the logs of these rooms end, asked of the store after this was called.

        Raises StoreUnavailable.
        """
        calls = {self._call_about(room): None for room in rooms}
        if calls:
            await asyncio.wait([call.task for call in calls])
        ends: dict[str, LogEnd] = {}
        for call in calls:
            if call.task.cancelled():
                raise StoreUnavailable("this worker ends")
            ends.update(call.task.result())
        return {room: ends[room] for room in rooms}

    def _call_about(self, room: str) -> _Call:
        call = self._next
        if call is None or len(call.rooms) >= MAX_BATCH:
            call = self._next = _Call()
            call.task = asyncio.create_task(self._ask(call), name="realtime-ends")
            self._tasks.add(call.task)
            call.task.add_done_callback(self._over)
        call.rooms.add(room)
        return call

    async def _ask(self, call: _Call) -> Mapping[str, LogEnd]:
        async with self._turn:
            if self._next is call:
                self._next = None
            return await self._log.ends(list(call.rooms))

    def _over(self, task: asyncio.Task[Mapping[str, LogEnd]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # also if nobody waits for the answer any more

    async def stop(self) -> None:
        """Give up what is asked; whoever waits is told so."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
