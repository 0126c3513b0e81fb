"""The kinds of store that the contract suite runs on, each with a clock turned by hand."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from django.db import connections

from realtime.common.threads import Threads
from realtime.models import LiveSession, Registry, RoomKey, RoomLog, Sample, Tombstone, Worker
from realtime.store.contract import BlockingStore, Store
from realtime.store.database import DatabaseStore
from realtime.store.database.beginning import BASE
from realtime.store.database.blocking import DatabaseSessions
from realtime.store.database.transaction import Database
from realtime.store.log import BlockingLog, LogBounds
from realtime.store.redis import RedisSessions, RedisStore
from realtime.store.redis.client import blocking_client, loop_client
from realtime.store.redis.operations import Operations
from realtime.store.redis.scripts import ScriptCalls
from realtime.store.timeouts import Timeouts
from tests.redis_server import RedisServer

T = TypeVar("T")

LEASE, RESUME, SESSION, CLAIM = 15, 120, 90, 30  # seconds
SILENCE = SESSION + LEASE  # until a connected session without a beat is given up
DAY = 24 * 3600
PREFIX = "tests"  # of the keys in Redis
WINDOWS = Timeouts(
    lease_ms=LEASE * 1000,
    resume_ms=RESUME * 1000,
    session_ms=SESSION * 1000,
    claim_ms=CLAIM * 1000,
)
# Small enough to be met.
BOUNDS = LogBounds(length=20, bytes=2_000, ttl_ms=300_000, meta_ttl_ms=7 * DAY * 1000)

# What expires by itself knows no other clock than the server's.
AGE = """
for _, pattern in ipairs(KEYS) do
  for _, key in ipairs(redis.call('KEYS', pattern)) do
    redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
  end
end
"""
LOGS, TOMBSTONES, ENDS = "{*}:log:?*/*", "{*}:tomb:*", "{*}:ended:*"


class StoreFixture(ABC):
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

    @abstractmethod
    def begin_anew(self, room: str) -> None:
        """Lose this room's log, and nothing else."""

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


class DatabaseFixture(StoreFixture):
    """The database's store for threads."""

    def __init__(self, alias: str, windows: Timeouts = WINDOWS, bounds: LogBounds = BOUNDS) -> None:
        self.database = Database(alias)
        self.store = self.blocking = self.sessions = DatabaseSessions(
            self.database, windows, bounds
        )

    def turn(self, seconds: float) -> None:
        self.database.clock_offset += seconds

    def now(self) -> int:
        return self.database.now()

    def empty(self) -> None:
        for model in (LiveSession, Tombstone, Worker, Registry, Sample, RoomLog, RoomKey):
            model._default_manager.using(self.database.alias).all().delete()

    def begin_anew(self, room: str) -> None:
        # Nobody marks what was deleted by hand: the base has to go as well.
        RoomLog.objects.using(self.database.alias).filter(room__in=[room, BASE]).delete()


class DatabaseLoopFixture(DatabaseFixture):
    """The database's store for event loops."""

    def __init__(self, alias: str, windows: Timeouts = WINDOWS) -> None:
        super().__init__(alias, windows)
        self._runner = asyncio.Runner()
        self._threads = Threads()
        self._store = DatabaseStore(self.database, self.sessions, self._threads, timeout=10.0)
        self.store = driven(self._store, self._runner)

    def close(self) -> None:
        self._runner.run(self._store.aclose())
        self._runner.run(self._threads.aclose())
        self._runner.close()


class RedisFixture(StoreFixture):
    """Redis's store for threads. ``ageing`` are patterns of the keys that expire by its clock."""

    ageing: tuple[str, ...] = (LOGS, TOMBSTONES, ENDS)

    def __init__(
        self, server: RedisServer, windows: Timeouts = WINDOWS, bounds: LogBounds = BOUNDS
    ) -> None:
        self.server = server
        self.calls = ScriptCalls(windows)
        self.client = blocking_client(server.url, timeout=10.0)
        self.talks = Operations(self.calls, bounds)
        self.store = self.blocking = self.sessions = RedisSessions(
            self.client, self.talks, prefix=PREFIX
        )
        self.empty()

    def turn(self, seconds: float) -> None:
        self.calls.clock_offset += seconds
        self.client.eval(AGE, len(self.ageing), *self.ageing, round(seconds * 1000))

    def now(self) -> int:
        seconds, microseconds = self.client.time()
        offset_ms = round(self.calls.clock_offset * 1000)
        return seconds * 1000 + microseconds // 1000 + offset_ms

    def empty(self) -> None:
        self.client.flushall()

    def begin_anew(self, room: str) -> None:
        self.client.delete(f"{{{PREFIX}}}:log:{room}/meta")

    def close(self) -> None:
        self.client.close()


class RedisLoopFixture(RedisFixture):
    """Redis's store for event loops."""

    def __init__(self, server: RedisServer, windows: Timeouts = WINDOWS) -> None:
        super().__init__(server, windows)
        self._runner = asyncio.Runner()
        self._store = self._runner.run(self._make_store())
        self.store = driven(self._store, self._runner)

    async def _make_store(self) -> RedisStore:
        client = loop_client(self.server.url)
        return RedisStore(client, self.talks, blocking=self.sessions, prefix=PREFIX, timeout=10.0)

    def close(self) -> None:
        self._runner.run(self._store.aclose())
        self._runner.close()
        super().close()


class _Driven:
    def __init__(self, store: Any, runner: asyncio.Runner) -> None:
        self._store = store
        self._runner = runner

    @property
    def log(self) -> BlockingLog:
        return cast(BlockingLog, _Driven(self._store.log, self._runner))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))


def driven(store: Store, runner: asyncio.Runner) -> BlockingStore:
    """A store of an event loop, for a test that waits for each call."""
    return cast(BlockingStore, _Driven(store, runner))


# Each with the fixture that gives it the ground it stands on.
KINDS: dict[str, tuple[str, Callable[..., StoreFixture]]] = {
    "database": ("default_database", DatabaseFixture),
    "database-loop": ("default_database", DatabaseLoopFixture),
    "postgresql": ("postgres_database", DatabaseFixture),
    "postgresql-loop": ("postgres_database", DatabaseLoopFixture),
    "redis": ("redis_server", RedisFixture),
    "redis-loop": ("redis_server", RedisLoopFixture),
}
