"""The queue of one connection's handler calls: in order, off the loop that reads pongs."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from realtime.common.tasks import await_external

# Bounds of one queue: calls, and bytes of the frames that they are about. Decoded from JSON, a
# frame takes up to 24 times its bytes: a megabyte of little lists or objects.
MAX_WAITING, MAX_WAITING_BYTES = 32, 1024 * 1024

Call = Callable[[], Awaitable[None]]


class HandlerQueue:
    """Runs calls one after the other. Its task exists only while there are any.

    An exception drops the calls that wait; ``on_failure()`` is called while it is handled.
    """

    def __init__(self, on_failure: Callable[[], None]) -> None:
        self._on_failure = on_failure
        self._waiting: deque[tuple[Call, int]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, call: Call, *, size: int = 0) -> bool:
        """Queue a call about a frame of ``size`` bytes; False if a bound would be exceeded."""
        if self._waiting and self._bytes + size > MAX_WAITING_BYTES:
            return False
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append((call, size))
        self._bytes += size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime-handlers")
        return True

    def stop(self) -> None:
        """Cancel the running call and drop the others."""
        self._clear()
        # The cancelled task's exception refers to this: a reference back would be a cycle.
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                call, size = self._waiting.popleft()
                self._bytes -= size
                await await_external(call())
        except Exception:
            self._clear()
            self._on_failure()

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0
