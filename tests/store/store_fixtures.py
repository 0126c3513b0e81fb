"""The three stores that the contract suite runs on, each with a clock that tests advance."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from realtime.models import LiveSession, Registry, RoomKey, RoomLog, Sample, Tombstone, Worker
from realtime.store.contract import BlockingStore
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.log_base import BASE
from realtime.store.database.transaction import Database
from realtime.store.log import LogBounds
from realtime.store.params import StoreParams
from realtime.store.redis import BlockingRedisStore
from realtime.store.redis.client import blocking_client
from realtime.store.redis.operations import RedisOperations
from realtime.store.redis.scripts import ScriptCalls
from realtime.store.timeouts import Timeouts
from tests.redis_server import RedisServer

T = TypeVar("T")

LEASE, RESUME, SESSION, CLAIM = 15, 120, 90, 30  # seconds
SILENCE = SESSION + LEASE  # until a connected session without a beat is given up
DAY = 24 * 3600
PREFIX = "tests"  # of the keys in Redis
TIMEOUTS = Timeouts(
    lease_ms=LEASE * 1000,
    resume_ms=RESUME * 1000,
    session_ms=SESSION * 1000,
    claim_ms=CLAIM * 1000,
)
# Small enough for tests to reach.
BOUNDS = LogBounds(length=20, bytes=2_000, ttl_ms=300_000, meta_ttl_ms=7 * DAY * 1000)


def params(**given: Any) -> StoreParams:
    """The parameters of a store, but for those given."""
    return StoreParams(**{"timeouts": TIMEOUTS, "prefix": PREFIX, "timeout": 5.0, **given})


# Keys expire by the server's clock: shorten their lives by as much as a test advances.
AGE = """
for _, pattern in ipairs(KEYS) do
  for _, key in ipairs(redis.call('KEYS', pattern)) do
    redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
  end
end
"""
LOGS, TOMBSTONES, ENDS = "{*}:log:?*/*", "{*}:tomb:*", "{*}:ended:*"


class StoreFixture(ABC):
    """A fresh store on one backend."""

    store: BlockingStore

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Advance the store's clock; a negative number sets it back."""

    @abstractmethod
    def now(self) -> int:
        """The store's time in epoch milliseconds."""

    @abstractmethod
    def empty(self) -> None:
        """Delete all content of the store."""

    @abstractmethod
    def begin_anew(self, room: str) -> None:
        """Lose this room's log only."""

    def at_once(self, calls: Sequence[Callable[[BlockingStore], T]]) -> list[T]:
        """Make these calls at the same time, each in a thread of its own; returns their answers."""
        start = threading.Barrier(len(calls))

        def run(call: Callable[[BlockingStore], T]) -> T:
            start.wait(10)
            try:
                return call(self.store)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(run, calls))

    def close(self) -> None:  # noqa: B027  # the database's has nothing to release
        """Close the store's connections."""


class DatabaseFixture(StoreFixture):
    """The store on a database."""

    def __init__(
        self, alias: str, windows: Timeouts = TIMEOUTS, bounds: LogBounds = BOUNDS
    ) -> None:
        self.database = Database(alias)
        self.store = BlockingDatabaseStore(self.database, windows, bounds)

    def advance(self, seconds: float) -> None:
        self.database.clock_offset += seconds

    def now(self) -> int:
        return self.database.now()

    def empty(self) -> None:
        for model in (LiveSession, Tombstone, Worker, Registry, Sample, RoomLog, RoomKey):
            model._default_manager.using(self.database.alias).all().delete()

    def begin_anew(self, room: str) -> None:
        # Deleting by hand changes no base, so delete that, too.
        RoomLog.objects.using(self.database.alias).filter(room__in=[room, BASE]).delete()


class RedisFixture(StoreFixture):
    """The store on Redis. ``ageing`` are patterns of the keys that expire by the server's clock."""

    ageing: tuple[str, ...] = (LOGS, TOMBSTONES, ENDS)

    def __init__(
        self, server: RedisServer, windows: Timeouts = TIMEOUTS, bounds: LogBounds = BOUNDS
    ) -> None:
        self.server = server
        self.calls = ScriptCalls(windows)
        self.client = blocking_client(server.url, timeout=10.0)
        self.operations = RedisOperations(self.calls, bounds)
        self.store = BlockingRedisStore(self.client, self.operations, prefix=PREFIX)
        self.empty()

    def advance(self, seconds: float) -> None:
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


# Each with the pytest fixture that gives its server or database.
STORE_FIXTURES: dict[str, tuple[str, Callable[..., StoreFixture]]] = {
    "database": ("default_database", DatabaseFixture),
    "postgresql": ("postgres_database", DatabaseFixture),
    "redis": ("redis_server", RedisFixture),
}
