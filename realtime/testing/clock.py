"""Time that passes at once."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from unittest import mock

from realtime.conf import settings
from realtime.store import backends
from realtime.store.database.transaction import Database
from realtime.worker import instances
from realtime.worker.runtime import Runtime

from .workers import stop_worker

STEP = 0.2  # seconds; a worker takes a longer one for a standstill
TURNS = 20  # of the event loop, so that a ping and its pong arrive
PATIENCE = 2.0  # seconds for reports, history and receivers


@asynccontextmanager
async def turned_clock() -> AsyncIterator["Clock"]:
    """A clock to turn, for this event loop, its worker, and sessions in a database. The worker is
    stopped at the end.

    Raises RuntimeError if the sessions are in Redis, whose clock cannot be turned.
    """
    if backends.is_redis(settings.store):
        raise RuntimeError("expected sessions in the database: the clock of Redis cannot be turned")
    clock = Clock()
    with ExitStack() as stack:
        clock.install(stack)
        try:
            yield clock
        finally:
            await stop_worker()


class Clock:
    """How far time has been turned: ``ahead`` is in seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass: heartbeats, beats and sweeps run when they are due, sockets
        answer, and receivers of signals have been called at the end."""
        end = self.ahead + seconds
        while self.ahead < end:
            self.ahead = min(self.ahead + STEP, end)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if worker := instances.current():
                await worker.ticker.settle()
        if worker := instances.current():
            await _settle(worker)

    def install(self, stack: ExitStack) -> None:
        """Turn the clocks with this one until the stack ends."""
        loop, turned = asyncio.get_running_loop(), _Time(self)
        loop_time, now = loop.time, Database.now

        def turned_loop_time() -> float:
            return loop_time() + self.ahead

        def turned_now(database: Database) -> int:
            return now(database) + round(self.ahead * 1000)

        stack.enter_context(mock.patch.object(loop, "time", turned_loop_time))
        stack.enter_context(mock.patch.object(Database, "now", turned_now))
        for name, module in list(sys.modules.items()):
            ours = name.startswith("realtime.") and name != __name__
            if ours and getattr(module, "time", None) is time:
                stack.enter_context(mock.patch.object(module, "time", turned))


class _Time:
    """The module ``time``, ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        return time.monotonic() + self._clock.ahead

    def time(self) -> float:
        return time.time() + self._clock.ahead

    def time_ns(self) -> int:
        return time.time_ns() + round(self._clock.ahead * 1e9)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


async def _settle(worker: Runtime) -> None:
    """Wait until the store, the history and the receivers have what happened."""
    await worker.disconnects.settle(PATIENCE)
    await worker.context.sweeper.settle(PATIENCE)
    await worker.context.dispatcher.settle(within=PATIENCE)
