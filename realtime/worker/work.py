"""A session's own work: the application's handlers, one after the other, off the loop that
reads pongs."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from .foreign import answer_of

logger = logging.getLogger("realtime.work")

MAX_WAITING = 32


class WorkQueue:
    """Runs handlers in order. Its task exists only while there is something to do.

    ``failed`` is called when a handler raises, which is logged; what waits is dropped.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        self._failed = failed
        self._waiting: deque[Callable[[], Awaitable[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Queue a handler's call; False if MAX_WAITING wait already."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append(work)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime-work")
        return True

    def stop(self) -> None:
        """Cancel what runs and forget what waits."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await answer_of(self._waiting.popleft()())
        except Exception:
            logger.exception("a handler of the application failed")
            self._waiting.clear()
            self._failed()
