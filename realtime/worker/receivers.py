"""Receivers of signals: told from threads, where they may use the database."""

import asyncio
import logging
from collections.abc import Callable

from realtime.threads import Overloaded, Threads

logger = logging.getLogger("realtime.worker")


class Receivers:
    """Tells them, off the event loop; nobody waits for it."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, announce: Callable[[], None]) -> None:
        """Call ``announce`` in a thread. It is dropped, and logged, when too many wait."""
        task = asyncio.create_task(self._in_thread(announce), name="realtime-announce")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _in_thread(self, announce: Callable[[], None]) -> None:
        try:
            await self._threads.run(announce)
        except Overloaded:
            logger.error("too many signals wait for their receivers; one was dropped")

    async def settle(self, within: float) -> None:
        """Wait until they have heard, but at most so many seconds."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within)
