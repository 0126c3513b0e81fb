"""A session's own work: the application's handlers, one after the other, off the loop that
reads pongs."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from realtime.common.tasks import await_external

# For one session: so many calls wait, and so many bytes of the frames that they are about. Read as
# JSON those are up to 24 times as much: a megabyte of little lists or objects.
MAX_WAITING, MAX_WAITING_BYTES = 32, 1024 * 1024

Work = Callable[[], Awaitable[None]]


class WorkQueue:
    """Runs handlers in order. Its task exists only while there is something to do.

    ``failed`` is called when a handler raises, to log the exception; what waits is dropped.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._waiting: deque[tuple[Work, int]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, work: Work, *, size: int = 0) -> bool:
        """Queue a handler's call about a frame of ``size`` bytes; False if that would be too many,
        or too much. One alone may be about more than MAX_WAITING_BYTES."""
        if self._waiting and self._bytes + size > MAX_WAITING_BYTES:
            return False
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append((work, size))
        self._bytes += size
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime-work")
        return True

    def stop(self) -> None:
        """Cancel what runs and forget what waits."""
        self._forget()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await await_external(self._take()())
        except Exception:
            self._forget()
            self._failed()

    def _take(self) -> Work:
        work, size = self._waiting.popleft()
        self._bytes -= size
        return work

    def _forget(self) -> None:
        self._waiting.clear()
        self._bytes = 0
