"""Signs of life at intervals, whose absence a supervisor or service manager acts on."""

import asyncio
from collections.abc import Callable


class WatchdogTask:
    """Calls ``feed()`` every ``interval`` seconds while ``alive()`` is true; never if it is 0.

    It runs on the event loop that it reports on: a loop that hangs does not feed.
    """

    def __init__(
        self, feed: Callable[[], object], *, interval: float, alive: Callable[[], bool]
    ) -> None:
        self._feed = feed
        self._interval = interval
        self._alive = alive
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        if self._interval:
            self._task = asyncio.create_task(self._run(), name="watchdog")

    async def stop(self) -> None:
        """End. Does nothing if it was never started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            if self._alive():
                self._feed()
            await asyncio.sleep(self._interval)
