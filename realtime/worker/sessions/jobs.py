"""Periodic jobs of a worker: the ticker starts them, one run at a time."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from .failure_streak import FailureStreak

RETRY = 5.0


class Job:
    """Runs ``work()`` every ``interval`` seconds, never twice at once; 0 means never.

    A failed run is repeated after RETRY seconds, or at its next turn if that is sooner.
    :class:`FailureStreak` logs failures; ``reported()`` goes there.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        work: Callable[[], Awaitable[object]],
        *,
        reported: Callable[[], bool] = lambda: False,
    ) -> None:
        self._name = name
        self._streak = FailureStreak(name, reported=reported)
        self._began = 0.0
        self._interval = interval or math.inf
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self.due = math.inf

    def schedule(self, now: float, *, soon: bool = False) -> None:
        """Set the next turn: now if ``soon``, else after one interval. 0 stays never."""
        self.due = now if soon and self._interval < math.inf else now + self._interval

    def hasten(self, at: float) -> None:
        """Have the next turn at ``at``, unless it comes sooner. 0 stays never."""
        if self._interval < math.inf:
            self.due = min(self.due, at)

    def tick(self, now: float) -> None:
        """Start a run if one is due and none is under way."""
        if now < self.due or self.running:
            return
        # Counted from the last deadline; turns that were missed are skipped.
        self.due = max(self.due + self._interval, now)
        self._began = now
        self._task = asyncio.create_task(self._run(), name=f"realtime-{self._name}")

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        try:
            await self._work()
        except Exception as error:  # not even a defect may end the job
            self.hasten(self._began + RETRY)
            self._streak.on_failure(error)
        else:
            self._streak.on_success()

    async def settle(self) -> None:
        """Wait for the end of a run that is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Cancel the run and wait for its end."""
        self.due = math.inf
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
