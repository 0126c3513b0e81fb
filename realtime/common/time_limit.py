"""Time limits whose clock can be paused while the code waits for something else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar


class TimeLimit:
    """A time limit of one piece of code. Its clock stands still while it is paused."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._paused = 0
        self._left = 0.0
        self._over = False

    def pause(self) -> None:
        """Stop the clock, until :meth:`resume` was called as often."""
        self._paused += 1
        when = self._timeout.when()
        if self._paused == 1 and when is not None and self._runs():
            self._left = when - self._loop.time()
            self._timeout.reschedule(None)

    def resume(self) -> None:
        """Let the clock go on."""
        self._paused -= 1
        if not self._paused and self._runs():
            self._timeout.reschedule(self._loop.time() + self._left)

    def end(self) -> None:
        """The code has returned."""
        self._over = True

    def _runs(self) -> bool:
        return not (self._over or self._timeout.expired())


_current: ContextVar[TimeLimit | None] = ContextVar("realtime.time_limit", default=None)


def current_time_limit() -> TimeLimit | None:
    """The innermost time limit of the running code."""
    return _current.get()


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Limit the code inside to this time. Raises TimeoutError."""
    async with asyncio.timeout(seconds) as timeout:
        limit = TimeLimit(timeout)
        token = _current.set(limit)
        try:
            yield
        finally:
            limit.end()
            _current.reset(token)
