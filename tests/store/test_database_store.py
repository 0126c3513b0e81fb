"""The store on a database: transactions, groups, locks, clocks."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections, transaction

from realtime.common.threads import Threads
from realtime.models import LiveSession
from realtime.store.contract import AtCapacity, StoreUnavailable, TablesMissing
from realtime.store.database import DatabaseStore, blocking_store, loop_store, store
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Query, Session

from .builders import beat, ids, opening, returning, update
from .store_fixtures import TIMEOUTS, params

pytestmark = pytest.mark.django_db(transaction=True)

sqlite_only = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="how SQLite locks is its own affair"
)


class CountingDatabase(Database):
    """Counts the transactions that it begins."""

    def __init__(self, alias: str = "default") -> None:
        super().__init__(alias)
        self.begun = 0

    @contextmanager
    def write(self, *, exclusive: bool = False) -> Iterator[int]:
        self.begun += not self.connection.in_atomic_block
        with super().write(exclusive=exclusive) as now:
            yield now


@pytest.fixture
def database() -> CountingDatabase:
    return CountingDatabase()


@pytest.fixture
def sessions(database: CountingDatabase) -> BlockingDatabaseStore:
    return BlockingDatabaseStore(database, TIMEOUTS)


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(size=2, max_pending=4)
    yield threads
    await threads.aclose()


MakeStore = Callable[..., DatabaseStore]


@pytest.fixture
def make(
    database: CountingDatabase, sessions: BlockingDatabaseStore, threads: Threads
) -> MakeStore:
    """Makes a store for the loop of a test."""
    return lambda timeout=10.0: DatabaseStore(sessions, threads, timeout=timeout)


@contextmanager
def locked() -> Iterator[None]:
    """Another connection is writing, until the test ends it."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def reading() -> Iterator[None]:
    """Another connection is reading."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM realtime_livesession").fetchall()
        yield
        other.execute("ROLLBACK")


def impatient() -> None:
    """This thread's connection does not wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 0")


async def counted() -> int:
    return await asyncio.to_thread(_count)


def _count() -> int:
    try:
        return LiveSession.objects.count()
    finally:
        connections.close_all()


# ---------------------------------------------------------------- groups


async def test_a_storm_of_opens_takes_few_transactions(
    make: MakeStore, database: CountingDatabase
) -> None:
    store = make()
    opened = await asyncio.gather(*[store.open(opening(f"s{n}")) for n in range(200)])
    assert [isinstance(session, Session) and session.id for session in opened] == [
        f"s{n}" for n in range(200)
    ]
    assert database.begun <= 3
    await store.aclose()


async def test_a_call_that_fails_does_not_harm_the_others_of_its_group(make: MakeStore) -> None:
    store = make()
    bad = store.request_close(session="s1", user="7", code=4500, reason="")
    answers = await asyncio.gather(
        store.open(opening("s1")), bad, store.open(opening("s2")), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Session, ValueError, Session]
    assert len((await store.page(Query())).sessions) == 2


async def test_a_query_that_fails_does_not_harm_the_others_of_its_group(
    make: MakeStore, sessions: BlockingDatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(worker: str) -> Any:
        with sessions.database.write(), connection.cursor() as cursor:
            LiveSession.objects.update(username="half done")
            cursor.execute("SELECT no_such_function()")

    monkeypatch.setattr(sessions.operations, "leave", fails)
    store = make()
    answers = await asyncio.gather(
        store.open(opening("s1")),
        store.leave("w1"),
        store.open(opening("s2")),
        return_exceptions=True,
    )
    backends = (Session, DatabaseError, Session)
    assert all(map(isinstance, answers, backends))
    assert {s.peer.username for s in (await store.page(Query())).sessions} == {"ada"}


async def test_calls_take_effect_in_their_order(make: MakeStore) -> None:
    store = make()
    calls = (store.open(opening()), store.resume(returning()), store.leave("w2"))
    _, resumed, left = await asyncio.gather(*calls)
    assert resumed is not None
    assert [(s.id, s.generation) for s in left] == [("s1", 2)]


async def test_the_store_continues_after_a_pause(make: MakeStore) -> None:
    store = make()
    for number in range(3):
        await store.open(opening(f"s{number}"))
        await store.aclose()
    assert await counted() == 3


# ---------------------------------------------------------------- locks and limits


@sqlite_only
async def test_a_call_that_takes_too_long_fails_and_a_waiting_one_is_not_begun(
    make: MakeStore,
) -> None:
    store = make(timeout=0.05)
    with locked():
        for number in range(3):
            with pytest.raises(StoreUnavailable, match="no answer within"):
                await store.open(opening(f"s{number}"))
    await store.aclose()
    assert await counted() == 0


@sqlite_only
async def test_the_store_recovers_when_the_lock_is_gone(make: MakeStore) -> None:
    store = make(timeout=0.05)
    with locked(), pytest.raises(StoreUnavailable):
        await store.open(opening("s1"))
    await store.aclose()
    patient = make()
    assert await patient.open(opening("s2")) == await patient.get("s2")


@sqlite_only
async def test_a_cancelled_wait_drops_its_write(make: MakeStore) -> None:
    store = make()
    with locked():
        waiting = [asyncio.create_task(store.open(opening(f"s{n}"))) for n in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
    await asyncio.gather(waiting[0], waiting[2])
    assert await counted() == 2


@sqlite_only
async def test_reads_continue_during_a_write(make: MakeStore) -> None:
    store = make()
    await store.open(opening())
    with locked():
        assert (await store.stats()).connected == 1
        assert await store.get("s1") is not None


async def test_slow_reads_delay_no_write(
    make: MakeStore, sessions: BlockingDatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled reads included."""
    release = threading.Event()
    monkeypatch.setattr(sessions, "stats", partial(release.wait, 20))
    store = make()
    for number in range(3):
        reads = [asyncio.create_task(store.stats()) for _ in range(3)]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert await store.open(opening(f"s{number}"))
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)
    release.set()
    assert await store.get("s1")


async def test_writes_that_wait_are_bounded(
    make: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_WAITING", 2)
    bounded = make()
    opens = [asyncio.create_task(bounded.open(opening(f"s{n}"))) for n in range(3)]
    answers = await asyncio.gather(*opens, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Session, Session, AtCapacity]


async def test_reads_that_wait_are_bounded(make: MakeStore, threads: Threads) -> None:
    release = threading.Event()
    busy = [asyncio.create_task(threads.run(release.wait, 10)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="too many calls"):
        await make().stats()
    with pytest.raises(StoreUnavailable, match="too many calls"):
        await make().open(opening())
    release.set()
    await asyncio.gather(*busy)


@sqlite_only
def test_a_lock_of_another_writer_makes_the_store_unavailable(
    sessions: BlockingDatabaseStore,
) -> None:
    sessions.open(opening())
    impatient()
    with locked(), pytest.raises(StoreUnavailable, match="locked"):
        beat(sessions, "w1", update())
    assert beat(sessions, "w1", update()).lost == ()


@sqlite_only
def test_a_connection_that_was_lost_is_made_anew(sessions: BlockingDatabaseStore) -> None:
    sessions.open(opening())
    connection.connection.close()  # behind Django's back
    with pytest.raises(DatabaseError):
        sessions.get("s1")
    assert sessions.get("s1") is not None


@pytest.mark.parametrize("make_store", [blocking_store, loop_store])
def test_a_database_whose_locks_are_unknown_keeps_no_sessions(
    monkeypatch: pytest.MonkeyPatch, make_store: Any
) -> None:
    monkeypatch.setattr(connection, "vendor", "mysql")
    threads = (None,) if make_store is loop_store else ()
    with pytest.raises(ImproperlyConfigured, match="MySQL or MariaDB: set STORE to the URL"):
        make_store("default", params(), *threads)


# ---------------------------------------------------------------- a caller's transaction


def test_a_call_belongs_to_the_callers_transaction(sessions: BlockingDatabaseStore) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        sessions.open(opening("s1"))
        beat(sessions, "w1", update("s1"))
        raise ZeroDivisionError
    assert sessions.get("s1") is None
    assert sessions.stats().workers == 0


def test_a_call_commits_with_the_caller(sessions: BlockingDatabaseStore) -> None:
    sessions.open(opening())
    with transaction.atomic():
        sessions.request_close(session="s1", code=4500, reason="")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_asked_to_close).result() == 0
    assert _asked_to_close() == 1


def _asked_to_close() -> int:
    try:
        return LiveSession.objects.filter(close_code=4500).count()
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()


def test_a_failed_call_leaves_the_callers_transaction_whole(
    sessions: BlockingDatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction.atomic():
        sessions.open(opening("s1"))
        with monkeypatch.context() as patch, pytest.raises(TablesMissing):
            patch.setattr(LiveSession._meta, "db_table", "no_such_table")
            sessions.open(opening("s2"))
        sessions.open(opening("s3"))
    assert ids(sessions.of_user("7")) == ["s3", "s1"]
