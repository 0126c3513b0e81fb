"""The store on PostgreSQL: concurrent transactions, and a server that may fail."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections
from psycopg.errors import DeadlockDetected

from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.models import ClosedSession
from realtime.signals import session_closed
from realtime.store.contract import StoreUnavailable
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Session
from tests.faults import Proxy
from tests.polling import eventually
from tests.postgres_server import PostgresServer

from .builders import beat, closing, departure, ids, open_many, opening, returning, update
from .store_fixtures import TIMEOUTS


@pytest.fixture
def database(postgres_database: str) -> Database:
    return Database(postgres_database)


@pytest.fixture
def sessions(database: Database) -> BlockingDatabaseStore:
    return BlockingDatabaseStore(database, TIMEOUTS)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of calls that begin together, each on a connection of its own."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        together.wait(10)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


# ---------------------------------------------------------------- side by side


def test_workers_that_change_the_same_sessions_do_not_deadlock(
    sessions: BlockingDatabaseStore,
) -> None:
    """PostgreSQL would fail a deadlock after a second."""
    known = open_many(sessions, 20)

    def work(name: str, order: int) -> int:
        for round_ in range(10):
            mine = known[::order]
            beat(sessions, name, *[update(id_, generation=round_ + 1) for id_ in mine])
            sessions.suspend("w0", [departure(id_, generation=round_ + 1) for id_ in mine])
            for id_ in mine:
                sessions.resume(returning(id_, connection=f"{round_}", worker="w0"))
            sessions.request_close(user="7", code=4008, reason="")
            sessions.sweep(name)
            sessions.stats()
        return round_

    orders = [(f"w{n}", 1 if n % 2 else -1) for n in range(4)]
    assert at_once(*[lambda o=o: work(*o) for o in orders]) == [9] * 4
    assert sessions.stats().connected == 20


def test_concurrent_sweeps_claim_each_session_once(sessions: BlockingDatabaseStore) -> None:
    known = open_many(sessions, 40)
    sessions.suspend("w1", [departure(id_) for id_ in known])
    sessions.request_close(user="7", code=4500, reason="")
    swept = at_once(*[lambda n=n: sessions.sweep(f"claimant {n}") for n in range(4)])
    assert sorted(id_ for each in swept for id_ in ids(each.claimed)) == known


async def test_groups_of_calls_that_deadlock_both_succeed(
    postgres_server: PostgresServer, store: DatabaseStore, proxy: Proxy
) -> None:
    """Another worker's transaction has s1 and locks s2; ours has s2 and locks s1."""
    await asyncio.gather(store.open(opening("s1")), store.open(opening("s2")))
    lock = "SELECT id FROM realtime_livesession WHERE id = %s FOR UPDATE"
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with postgres_server.connect() as other, postgres_server.connect() as watcher:

        def come_for_the_second() -> None:
            eventually(lambda: watcher.execute(waiting).fetchone() != (0,), what="ours waits")
            with suppress(DeadlockDetected):  # the first to detect it is aborted
                other.execute(lock, ["s2"])
            other.rollback()

        other.autocommit = False
        other.execute(lock, ["s1"])
        resumed = await asyncio.gather(
            store.resume(returning("s2")),
            store.resume(returning("s1")),
            asyncio.to_thread(come_for_the_second),
        )
    assert [s.generation for s in resumed[:2] if isinstance(s, Session)] == [2, 2]


# ---------------------------------------------------------------- the history


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The sessions whose end was announced."""
    heard: list[str] = []

    def receiver(session: Session, **_: Any) -> None:
        heard.append(session.id)

    session_closed.connect(receiver)
    yield heard
    session_closed.disconnect(receiver)


def test_two_claimants_make_one_row_and_one_signal_each(
    database: Database, sessions: BlockingDatabaseStore, heard: list[str]
) -> None:
    history = History(database, days=30)
    ended = [closing(sessions, f"s{number:02}") for number in range(20)]
    recorded = at_once(lambda: history.record(ended), lambda: history.record(ended[::-1]))
    assert sum(map(len, recorded)) == 20
    assert ClosedSession.objects.using(database.alias).count() == 20
    assert sorted(heard) == [session.id for session in ended]


def test_an_existing_history_row_is_not_announced_again(
    database: Database, sessions: BlockingDatabaseStore, heard: list[str]
) -> None:
    history = History(database, days=30)
    ended = [closing(sessions, f"s{number}") for number in range(3)]
    recorded = [history.record(sessions) for sessions in (ended[:1], ended, ended)]
    assert recorded == [ended[:1], ended[1:], []]
    assert heard == ["s0", "s1", "s2"]


# ---------------------------------------------------------------- a server that goes away


@pytest.fixture
def proxy(postgres_server: PostgresServer, postgres_database: str) -> Iterator[Proxy]:
    """A proxy with faults, for connections made from now on."""
    options = connections.settings[postgres_database]
    with Proxy(postgres_server.port) as proxy:
        connections[postgres_database].close()
        options["PORT"] = proxy.port
        yield proxy
        options["PORT"] = postgres_server.port
        connections[postgres_database].close()


@pytest.fixture
async def store(
    proxy: Proxy, database: Database, sessions: BlockingDatabaseStore
) -> AsyncIterator[DatabaseStore]:
    threads = Threads(size=1)
    store = DatabaseStore(sessions, threads, timeout=10.0)
    yield store
    proxy.heal()
    await store.aclose()
    await threads.aclose()


def test_a_broken_connection_is_made_anew(sessions: BlockingDatabaseStore, proxy: Proxy) -> None:
    sessions.open(opening())
    proxy.reset()
    with pytest.raises(StoreUnavailable):
        sessions.get("s1")
    assert sessions.get("s1") is not None


def test_a_lost_answer_leaves_one_session(sessions: BlockingDatabaseStore, proxy: Proxy) -> None:
    sessions.stats()
    proxy.cut_replies(to=b"COMMIT")
    with pytest.raises(StoreUnavailable):
        sessions.open(opening())
    assert proxy.cuts == 1
    first = sessions.get("s1")
    assert first is not None
    assert sessions.open(opening()) == first


async def test_a_call_to_a_server_that_hangs_fails_in_time(
    store: DatabaseStore, proxy: Proxy
) -> None:
    assert await store.open(opening("s1")) is not None
    proxy.stall()
    store._timeout = 0.2
    for id_ in ("s2", "s3"):
        with pytest.raises(StoreUnavailable, match="no answer within"):
            await store.open(opening(id_))
    proxy.heal()
    store._timeout = 10.0
    assert await store.open(opening("s4")) is not None
