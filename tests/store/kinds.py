"""The kinds of store that the contract suite runs on, each with a clock turned by hand."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from django.db import connections

from realtime.models import LiveSession, Registry, Sample, Worker
from realtime.store.base import BlockingStore, Store
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import DatabaseSessions
from realtime.store.database.transaction import Database
from realtime.store.windows import Windows
from realtime.threads import Threads

T = TypeVar("T")

LEASE, RESUME, SESSION, CLAIM = 15, 120, 90, 30  # seconds
SILENCE = SESSION + LEASE  # until a connected session without a beat is given up
DAY = 24 * 3600
WINDOWS = Windows(
    lease_ms=LEASE * 1000,
    resume_ms=RESUME * 1000,
    session_ms=SESSION * 1000,
    claim_ms=CLAIM * 1000,
)


class Kind(ABC):
    """A fresh store of one kind. ``store`` is the contract under test, and ``blocking``
    the same store for threads, where that is something else."""

    store: BlockingStore
    blocking: BlockingStore

    @abstractmethod
    def turn(self, seconds: float) -> None:
        """Turn the store's clock on."""

    @abstractmethod
    def now(self) -> int:
        """The store's time in epoch milliseconds."""

    @abstractmethod
    def empty(self) -> None:
        """Throw away all that the store holds."""

    def at_once(self, calls: Sequence[Callable[[BlockingStore], T]]) -> list[T]:
        """Make these calls at one moment, each in a thread of its own; their answers."""
        start = threading.Barrier(len(calls))

        def run(call: Callable[[BlockingStore], T]) -> T:
            start.wait(10)
            try:
                return call(self.blocking)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def close(self) -> None:  # noqa: B027  # most have nothing to release
        """Release what the store holds."""


class DatabaseKind(Kind):
    """The database's store for threads."""

    def __init__(self, alias: str) -> None:
        self.database = Database(alias)
        self.store = self.blocking = self.sessions = DatabaseSessions(self.database, WINDOWS)

    def turn(self, seconds: float) -> None:
        self.database.clock_offset += seconds

    def now(self) -> int:
        return self.database.now()

    def empty(self) -> None:
        for model in (LiveSession, Worker, Registry, Sample):
            model._default_manager.using(self.database.alias).all().delete()


class DatabaseLoopKind(DatabaseKind):
    """The database's store for event loops."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self._runner = asyncio.Runner()
        self._threads = Threads()
        self._store = DatabaseStore(self.database, self.sessions, self._threads, timeout=10.0)
        self.store = driven(self._store, self._runner)

    def close(self) -> None:
        self._runner.run(self._store.aclose())
        self._runner.run(self._threads.aclose())
        self._runner.close()


class _Driven:
    def __init__(self, store: Store, runner: asyncio.Runner) -> None:
        self._store = store
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))


def driven(store: Store, runner: asyncio.Runner) -> BlockingStore:
    """A store of an event loop, for a test that waits for each call."""
    return cast(BlockingStore, _Driven(store, runner))


# Each with the fixture that gives it the ground it stands on.
KINDS: dict[str, tuple[str, Callable[[Any], Kind]]] = {
    "database": ("default_database", DatabaseKind),
    "database-loop": ("default_database", DatabaseLoopKind),
    "postgresql": ("postgres_database", DatabaseKind),
    "postgresql-loop": ("postgres_database", DatabaseLoopKind),
}
