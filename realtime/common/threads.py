"""Bounded pools of threads for what must block: one for each kind of work."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections, connections

# Seconds without a call, after which a database may have ended a connection, as in its restart.
REST = 1.0

CLOSE_PATIENCE = 0.4  # seconds for threads to close their connections at the end

P = ParamSpec("P")
T = TypeVar("T")


class Overloaded(Exception):
    """The pool has ``max_pending`` calls waiting or running already."""


class Threads:
    """Runs blocking calls off the event loop. May be used by several loops and threads.

    Its threads keep their database connections open between calls and close them in
    :meth:`aclose`; before, only those that are broken, older than ``CONN_MAX_AGE`` if that is
    above 0, or of Django's pool. More than ``max_pending`` calls at once raise
    :class:`Overloaded` instead of growing a queue behind a database that hangs.
    """

    def __init__(self, *, size: int = 4, max_pending: int = 2000, name: str = "realtime") -> None:
        self.size = size
        self._max_pending = max_pending
        self._pending = 0
        self._counting = threading.Lock()
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of the call. A cancelled wait leaves a call that has begun to finish by
        itself. Raises Overloaded."""
        return await asyncio.wrap_future(self.submit(call, *args, **kwargs))

    def submit(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have the call run soon. Raises Overloaded, and RuntimeError after the end."""
        with self._counting:
            if self._pending >= self._max_pending:
                raise Overloaded
            self._pending += 1
        try:
            future = self._executor.submit(_tidily, partial(call, *args, **kwargs))
        except RuntimeError:
            self._forget()
            raise
        future.add_done_callback(self._forget)
        return future

    def _forget(self, _: object = None) -> None:
        with self._counting:
            self._pending -= 1

    async def aclose(self) -> None:
        """Close every thread's database connections, then the threads."""
        barrier = threading.Barrier(self.size)
        leave = [self._executor.submit(_leave, barrier) for _ in range(self.size)]
        await asyncio.wait([asyncio.wrap_future(each) for each in leave], timeout=CLOSE_PATIENCE)
        self._executor.shutdown(wait=False)


class _Used(threading.local):
    """When this thread last had a call."""

    at = 0.0


_used = _Used()


def _tidily(call: Callable[[], T]) -> T:
    _close_useless(rested=time.monotonic() - _used.at > REST)
    try:
        return call()
    finally:
        _close_useless()
        _used.at = time.monotonic()


def _close_useless(*, rested: bool = False) -> None:
    """Close this thread's connections that are of no more use, or of use to others. Application
    code runs here, too: authentication backends, receivers; it may use any database.

    Django asks those that have ``rested`` whether they still live before they are used.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or connection.connection is None:
            continue
        with suppress(Error):  # it is gone all the same
            if connection.settings_dict["OPTIONS"].get("pool"):
                connection.close()
                continue
            if not connection.settings_dict["CONN_MAX_AGE"]:
                connection.close_at = None
            checked = connection.settings_dict["CONN_HEALTH_CHECKS"]
            connection.health_check_enabled = checked or rested  # type: ignore[attr-defined]
            connection.close_if_unusable_or_obsolete()


def _leave(barrier: threading.Barrier) -> None:
    # Wait for the others, so that each thread of the pool gets one of these; if one is
    # stuck in a call, close what can be closed.
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=CLOSE_PATIENCE / 2)
    connections.close_all()


class Bulkheads:
    """A pool for each kind of work, so that none waits for another's: what hangs in one, such
    as a receiver of signals that talks to a mail server, holds up its own kind only.

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
def as_in_a_request() -> Iterator[None]:
    """Treat this thread's database connections as Django does around a request: for code of the
    application that is called again and again in one call of a pool."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


class _Shared:
    """Some threads of a process, with or without a worker; made at first use."""

    def __init__(self, name: str, *, size: int, max_pending: int) -> None:
        self._make = partial(Threads, size=size, max_pending=max_pending, name=f"realtime-{name}")
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        # A fork copies the pool but not its threads.
        self.threads = self._make()


_pages = _Shared("pages", size=4, max_pending=64)
_calls = _Shared("calls", size=8, max_pending=2000)


async def aside(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in one of the few threads that a process has for its pages.

    Not in the thread that Django keeps for a request: Django waits for the end of that
    one, however long a database hangs. Nor in one of asyncio's own: they are the whole
    process's, and more and more of them would hang. No database connection is left behind.
    Raises Overloaded when too many wait.
    """

    def alone() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return await _pages.threads.run(alone)


async def apart(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call of the application's in a thread that is nobody else's meanwhile, with
    database connections as in a request. Raises Overloaded when too many wait."""

    def alone() -> T:
        with as_in_a_request():
            return call(*args, **kwargs)

    return await _calls.threads.run(alone)
