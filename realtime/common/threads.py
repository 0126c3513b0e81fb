"""Bounded pools of threads for blocking calls: one for each kind of work."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections, connections

from .platforms import reset_in_children

# After so many seconds without a call a thread's connection is checked before it is used: the
# database may have closed it, as in a restart.
CHECK_AFTER = 1.0

CLOSE_TIMEOUT = 0.4  # seconds for threads to close their connections at the end

P = ParamSpec("P")
T = TypeVar("T")


class Overloaded(Exception):
    """The pool has ``max_pending`` calls waiting or running already."""


class Threads:
    """Runs blocking calls off the event loop. Several loops and threads may use it.

    Its threads keep their database connections open between calls and close them in
    :meth:`aclose`; before, only those that are broken, older than ``CONN_MAX_AGE`` if that is
    above 0, or of Django's pool. More than ``max_pending`` calls at once raise
    :class:`Overloaded` instead of growing a queue behind a database that hangs.
    """

    def __init__(self, *, size: int = 4, max_pending: int = 2000, name: str = "realtime") -> None:
        self.size = size
        self.used = False
        self._max_pending = max_pending
        self._pending = 0
        self._closing = False
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of the call. Cancelling does not stop a call that has begun; it keeps
        running in its thread. Raises Overloaded."""
        return await asyncio.wrap_future(self.submit(call, *args, **kwargs))

    def submit(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue the call. Raises Overloaded, and RuntimeError after the end."""
        with self._lock:
            if self._pending >= self._max_pending:
                raise Overloaded
            self._pending += 1
            self.used = True
        try:
            future = self._executor.submit(self._run, partial(call, *args, **kwargs))
        except RuntimeError:
            self._call_ended()
            raise
        future.add_done_callback(self._call_ended)
        return future

    def _run(self, call: Callable[[], T]) -> T:
        try:
            return _run(call)
        finally:
            if self._closing:  # perhaps without this thread
                connections.close_all()

    def _call_ended(self, _: object = None) -> None:
        with self._lock:
            self._pending -= 1

    async def aclose(self) -> None:
        """Close every thread's database connections, then the threads. A thread that is stuck in a
        call closes its own after the call."""
        self._closing = True
        barrier = threading.Barrier(self.size)
        closing = [self._executor.submit(_close_all, barrier) for _ in range(self.size)]
        await asyncio.wait([asyncio.wrap_future(each) for each in closing], timeout=CLOSE_TIMEOUT)
        self._executor.shutdown(wait=False)


_last_call = threading.local()  # ``at``: when this thread's last call ended


def _run(call: Callable[[], T]) -> T:
    idle = time.monotonic() - getattr(_last_call, "at", 0.0)
    _close_unusable(check=idle > CHECK_AFTER)
    try:
        return call()
    finally:
        _close_unusable()
        _last_call.at = time.monotonic()


def _close_unusable(*, check: bool = False) -> None:
    """Close those of this thread's connections that broke, are too old, or belong to a pool. Calls
    run application code, too (authentication backends, receivers), which may use any database.

    With ``check`` Django tests each of the others before its next use.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or connection.connection is None:
            continue
        with suppress(Error):  # it is closed all the same
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()
                continue
            if not connection.settings_dict["CONN_MAX_AGE"]:
                connection.close_at = None
            checked = connection.settings_dict["CONN_HEALTH_CHECKS"]
            connection.health_check_enabled = checked or check  # type: ignore[attr-defined]
            connection.close_if_unusable_or_obsolete()


def _close_all(barrier: threading.Barrier) -> None:
    # Wait for the others, so that each thread of the pool gets one of these calls. If a thread is
    # stuck in another call, the others close their connections without it.
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=CLOSE_TIMEOUT / 2)
    connections.close_all()


class Bulkheads:
    """A pool for each kind of work, so that none waits for another's: what hangs in one, such
    as a receiver of signals that talks to a mail server, delays its own kind only.

    A pool makes its threads when it needs them: without a database store ``store`` has none.
    At their bounds the database store and the logins raise StoreUnavailable, the history
    leaves sessions to the next sweep, and signals are dropped.
    """

    def __init__(self) -> None:
        self.store = Threads(size=4, name="realtime-store")
        self.logins = Threads(size=4, name="realtime-logins")
        self.history = Threads(size=4, name="realtime-history")
        self.receivers = Threads(size=4, name="realtime-receivers")

    async def aclose(self) -> None:
        """Close all of them, at the same time."""
        pools = (self.store, self.logins, self.history, self.receivers)
        await asyncio.gather(*[pool.aclose() for pool in pools])


@contextmanager
def request_connections() -> Iterator[None]:
    """Treat this thread's database connections as Django does around a request: for application
    code that is called repeatedly within one call of a pool."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


class _ProcessThreads:
    """A pool of the process, with or without a worker; a forked child gets its own."""

    def __init__(self, name: str, *, size: int, max_pending: int) -> None:
        self._make = partial(Threads, size=size, max_pending=max_pending, name=f"realtime-{name}")
        self._reset()
        reset_in_children(self._reset)

    def _reset(self) -> None:
        self.threads = self._make()  # a fork copies the pool but not its threads

    async def aclose(self) -> None:
        """End its threads and their database connections; the next call makes new ones."""
        ending = self.threads
        if ending.used:
            self._reset()
            await ending.aclose()


_pages = _ProcessThreads("pages", size=4, max_pending=64)
_calls = _ProcessThreads("calls", size=8, max_pending=2000)


async def close_process_threads() -> None:
    """Close the database connections that calls of the api, outside of a worker, have left open
    in the threads of this process, as Django does with those of ``CONN_MAX_AGE``."""
    await asyncio.gather(_pages.aclose(), _calls.aclose())


async def run_for_page(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in one of the few threads that a process has for its pages. Leaves no
    database connection open. Raises Overloaded.

    Django would wait for the end of the thread that it keeps for a request, however long a
    database hangs; and hanging calls would use up the threads that asyncio shares.
    """

    def run() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return await _pages.threads.run(run)


async def run_api_call(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking api call in a thread that it shares with no other call meanwhile, with
    database connections as in a request. Raises Overloaded."""

    def run() -> T:
        with request_connections():
            return call(*args, **kwargs)

    return await _calls.threads.run(run)
