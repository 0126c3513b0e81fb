"""SQLite with the options that Django gives it: concurrent writers and readers."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from realtime.store.contract import StoreUnavailable
from realtime.store.database import transaction as database_transaction
from realtime.store.database.blocking import BlockingDatabaseStore

from .builders import beat, opening
from .store_fixtures import TIMEOUTS
from .test_database_store import CountingDatabase, impatient, locked, reading, sqlite_only

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database() -> CountingDatabase:
    return CountingDatabase()


@pytest.fixture
def sessions(database: CountingDatabase) -> BlockingDatabaseStore:
    return BlockingDatabaseStore(database, TIMEOUTS)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A database without the options that the README advises, in a file that was never in WAL. A
    file of its own, because SQLite changes the mode only while no other connection has it open."""
    file = tmp_path / "plain.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    monkeypatch.setitem(connections.settings["default"], "NAME", str(file))
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", {})
    monkeypatch.setattr(database_transaction, "_in_wal", set())
    connection.close()
    connection.ensure_connection()  # with these options
    yield
    connection.close()


def work_at_once(sessions: BlockingDatabaseStore, workers: int, rounds: int) -> None:
    """Threads that open sessions and beat, concurrently."""
    together = threading.Barrier(workers)

    def work(worker: int) -> None:
        together.wait(10)
        try:
            for number in range(rounds):
                sessions.open(opening(f"s{worker}-{number}"))
                beat(sessions, f"w{worker}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))


@sqlite_only
@pytest.mark.usefixtures("plain")
def test_without_any_options_writers_wait_for_each_other(sessions: BlockingDatabaseStore) -> None:
    work_at_once(sessions, workers=4, rounds=20)
    assert sessions.stats().connected == 80


@sqlite_only
@pytest.mark.usefixtures("plain")
def test_without_any_options_readers_continue_during_a_write(
    sessions: BlockingDatabaseStore,
) -> None:
    sessions.open(opening())
    with locked():
        assert sessions.stats().connected == 1
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@sqlite_only
@pytest.mark.usefixtures("plain")
def test_a_file_that_cannot_change_its_mode_now_does_so_later(
    sessions: BlockingDatabaseStore,
) -> None:
    impatient()
    with reading(), pytest.raises(StoreUnavailable):
        sessions.open(opening())
    sessions.open(opening())
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@sqlite_only
@pytest.mark.usefixtures("plain")
def test_a_file_in_use_keeps_its_mode_without_an_error(
    sessions: BlockingDatabaseStore,
) -> None:
    def meanwhile_in_use(execute: Any, sql: str, *arguments: Any) -> Any:
        with locked() if sql.startswith("PRAGMA journal_mode=") else nullcontext():
            return execute(sql, *arguments)

    impatient()
    with connection.execute_wrapper(meanwhile_in_use):
        sessions.open(opening("s1"))
    sessions.open(opening("s2"))
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert sessions.stats().connected == 2


@sqlite_only
@pytest.mark.usefixtures("plain")
def test_the_mode_of_other_transactions_is_left_alone(sessions: BlockingDatabaseStore) -> None:
    before = connection.transaction_mode  # type: ignore[attr-defined]
    sessions.open(opening())
    assert connection.transaction_mode == before  # type: ignore[attr-defined]
