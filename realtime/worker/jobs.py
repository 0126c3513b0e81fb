"""Single-flight jobs: started by the tick, skipped while one still runs."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from realtime.store.base import StoreUnavailable

logger = logging.getLogger("realtime.worker")


class Job:
    """Runs ``work`` every ``interval`` seconds, never twice at once; 0 means never.

    A job that cannot reach the store is tried again at its next turn: what is
    wrong with the store is reported where it is noticed first, by the beats.
    """

    def __init__(self, name: str, interval: float, work: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._interval = interval or math.inf
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self.due = math.inf

    def schedule(self, now: float, *, soon: bool = False) -> None:
        """Set the next turn: now if ``soon``, else after one interval; never stays never."""
        self.due = now if soon and self._interval < math.inf else now + self._interval

    def hasten(self, at: float) -> None:
        """Have the next turn at ``at`` unless it comes sooner; never stays never."""
        if self._interval < math.inf:
            self.due = min(self.due, at)

    def tick(self, now: float) -> None:
        """Start the work if it is due and not running."""
        if now < self.due or self.running:
            return
        # From the deadline before, unless that would mean to catch up.
        self.due = max(self.due + self._interval, now)
        self._task = asyncio.create_task(self._run(), name=f"realtime-{self._name}")

    @property
    def running(self) -> bool:
        """Whether the work is under way."""
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        try:
            await self._work()
        except StoreUnavailable as error:
            logger.debug("%s: %s", self._name, error)
        except Exception:
            logger.exception("%s failed", self._name)

    async def stop(self) -> None:
        """Cancel the work and wait for its end."""
        self.due = math.inf
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
