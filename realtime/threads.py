"""One bounded pool of threads for what must block: the database, and signal receivers."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from django.db import connections

CLOSE_PATIENCE = 0.4  # seconds for threads to close their connections at the end

P = ParamSpec("P")
T = TypeVar("T")


async def aside(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in one of asyncio's own threads, for a caller without a pool.

    Not in the thread that Django keeps for a request: Django waits for the end of that
    one, however long a database hangs. No database connection is left behind.
    """

    def alone() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(alone)


class Overloaded(Exception):
    """The pool has ``max_pending`` calls waiting or running already."""


class Threads:
    """Runs blocking calls off the event loop.

    Its threads keep their database connections open between calls and close them
    in :meth:`aclose`. More than ``max_pending`` calls at once raise :class:`Overloaded`
    instead of growing a queue behind a database that hangs.
    """

    def __init__(self, *, size: int = 4, max_pending: int = 2000) -> None:
        self._size = size
        self._max_pending = max_pending
        self._pending = 0
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="realtime")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of the call. A cancelled wait leaves the call to finish by itself."""
        if self._pending >= self._max_pending:
            raise Overloaded
        future = self._executor.submit(call, *args, **kwargs)
        self._pending += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: self._done(loop))
        return await asyncio.wrap_future(future)

    def _done(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._forget)

    def _forget(self) -> None:
        self._pending -= 1

    async def aclose(self) -> None:
        """Close every thread's database connections, then the threads."""
        barrier = threading.Barrier(self._size)
        leave = [self._executor.submit(_leave, barrier) for _ in range(self._size)]
        await asyncio.wait([asyncio.wrap_future(each) for each in leave], timeout=CLOSE_PATIENCE)
        self._executor.shutdown(wait=False)


def _leave(barrier: threading.Barrier) -> None:
    # Wait for the others, so that each thread of the pool gets one of these; if one is
    # stuck in a call, close what can be closed.
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=CLOSE_PATIENCE / 2)
    connections.close_all()
