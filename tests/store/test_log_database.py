"""The message log on a database: few writes, pruning, deletes by hand."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.common.threads import Threads, run_for_page
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.models import RoomEntry, RoomKey, RoomLog
from realtime.protocol.position import Position
from realtime.store.database import DatabaseStore, log_pruning
from realtime.store.database.blocking import BlockingDatabaseLog, BlockingDatabaseStore
from realtime.store.database.log import LogOperations
from realtime.store.database.log_base import BASE
from realtime.store.database.transaction import Database
from realtime.store.log import KEY_KEPT_MS, MAX_BATCH, PublishRequest

from .store_fixtures import BOUNDS, DAY, TIMEOUTS
from .test_database_store import CountingDatabase
from .test_log import TTL, end_of, publish, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database() -> CountingDatabase:
    return CountingDatabase()


@pytest.fixture
def sessions(database: CountingDatabase) -> BlockingDatabaseStore:
    return BlockingDatabaseStore(database, TIMEOUTS, BOUNDS)


@pytest.fixture
def log(sessions: BlockingDatabaseStore) -> BlockingDatabaseLog:
    return sessions.log


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(size=2)
    yield threads
    await threads.aclose()


@pytest.fixture
async def store(
    database: CountingDatabase, sessions: BlockingDatabaseStore, threads: Threads
) -> AsyncIterator[DatabaseStore]:
    store = DatabaseStore(sessions, threads, timeout=10.0)
    yield store
    await store.aclose()


def rows() -> tuple[int, int, int]:
    return (
        RoomLog.objects.exclude(room=BASE).count(),
        RoomEntry.objects.count(),
        RoomKey.objects.count(),
    )


# ---------------------------------------------------------------- writing


def test_reading_ends_writes_nothing(log: BlockingDatabaseLog, database: CountingDatabase) -> None:
    publish(log, "1")
    log.ends(["r", "s"])
    before = database.begun
    log.ends(["r", "s"])
    log.read("r", after=0, limit=10, max_bytes=100)
    log.read("s", after=0, limit=10, max_bytes=100)
    log.recent()
    assert database.begun == before
    database.clock_offset += 6 * DAY
    log.ends(["r", "s"], keep=False)
    assert database.begun == before


def test_a_log_pruned_during_an_append_is_created_again(
    log: BlockingDatabaseLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between inserting its row and locking it."""
    end_of(log)
    make, left = RoomLog.objects.bulk_create, [True]

    def pruned_after(*args: Any, **kwargs: Any) -> list[RoomLog]:
        made = make(*args, **kwargs)
        if left:
            RoomLog.objects.all().delete()
            left.clear()
        return made

    monkeypatch.setattr(log.operations._logs, "bulk_create", pruned_after)
    assert publish(log, "1")[0].position.offset == 1


def test_a_room_without_publications_leaves_nothing(log: BlockingDatabaseLog) -> None:
    ends = log.ends([f"r{number}" for number in range(MAX_BATCH)])
    assert set(ends.values()) == {log.read("another", after=0, limit=1, max_bytes=1).end}
    log.operations.touch(list(ends))
    assert rows() == (0, 0, 0)
    assert publish(log, "1", room="r7")[0].position == Position(ends["r7"].top.epoch, 1)


def test_the_base_changes_only_when_a_log_that_began_there_is_deleted(
    log: BlockingDatabaseLog, database: CountingDatabase
) -> None:
    before = end_of(log)
    publish(log, "1", room="s")
    database.clock_offset += 7 * DAY + TTL
    publish(log, "1", room="t")
    assert end_of(log) == before
    prune(log)
    after = end_of(log)
    assert after.top.epoch != before.top.epoch
    assert end_of(log, "t").top == Position(before.top.epoch, 1)
    publish(log, "1", room="u")
    database.clock_offset += 6 * DAY
    log.ends(["u"])
    database.clock_offset += 2 * DAY
    prune(log)  # the log of "t", which is of the base before
    assert (end_of(log), rows()[0]) == (after, 1)


def test_emptying_the_table_begins_new_epochs(log: BlockingDatabaseLog) -> None:
    before = publish(log, "1")[0].position
    RoomLog.objects.all().delete()
    assert publish(log, "1")[0].position.epoch != before.epoch


# ---------------------------------------------------------------- pruning


def prune(log: BlockingDatabaseLog, limit: int = 500) -> list[int]:
    """How much each step prunes, until nothing is left."""
    steps = []
    while step := log.prune(limit):
        steps.append(step)
    return steps


def test_pruning_leaves_nothing(log: BlockingDatabaseLog, database: CountingDatabase) -> None:
    log.append([PublishRequest(f"r{each}", "1", key="k") for each in range(5)])
    assert rows() == (5, 5, 5)
    database.clock_offset += KEY_KEPT_MS / 1000 + 1
    assert (prune(log), rows()) == ([10], (5, 0, 0))
    database.clock_offset += 7 * DAY
    assert (prune(log), rows()) == ([5], (0, 0, 0))


def test_pruning_is_done_in_steps(
    log: BlockingDatabaseLog, database: CountingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most so many logs or entries in a step, but at least one log."""
    monkeypatch.setattr(log_pruning, "MAX_ENTRIES", 5)
    for room, count in (("a", 3), ("b", 2), ("c", 7), ("d", 1)):
        publish(log, *["1"] * count, room=room)
    database.clock_offset += TTL + 1
    assert (prune(log, limit=3), rows()) == ([2, 1, 1], (4, 0, 0))
    database.clock_offset += 7 * DAY
    assert (prune(log, limit=3), rows()) == ([3, 1], (0, 0, 0))


def test_a_log_is_emptied_only_when_it_has_expired(
    log: BlockingDatabaseLog, database: CountingDatabase
) -> None:
    publish(log, "1")
    database.clock_offset += TTL - 5
    publish(log, "2")
    publish(log, "1", room="s")
    database.clock_offset += 10
    assert (prune(log), rows()) == ([], (2, 3, 0))
    assert read(log, 0) == [1, 2]


async def test_a_sweep_prunes_the_logs(
    store: DatabaseStore, database: CountingDatabase, threads: Threads
) -> None:
    history = History(database, days=30)
    sweeper = Sweeper(store, history, threads, SignalDispatcher(threads), claimant="w1")
    await store.log.append([PublishRequest("r", "1", key="k")])
    for passed, left in ((0, (1, 1, 1)), (TTL + 1, (1, 0, 0)), (7 * DAY, (0, 0, 0))):
        database.clock_offset += passed
        await sweeper.sweep()
        assert await run_for_page(rows) == left


# ---------------------------------------------------------------- the last moment


class StoppedDatabase(Database):
    """A database whose time is set by the test."""

    time_ms = 10**12

    def now(self) -> int:
        return self.time_ms


def test_reading_appending_and_pruning_agree_on_the_last_moment() -> None:
    """For a log's entries, for a key, and for a log that is not read: in any order of calls."""
    database = StoppedDatabase("default")
    log = BlockingDatabaseLog(LogOperations(database, BOUNDS))
    (first,) = log.append([PublishRequest("r", "1", key="k")])
    database.time_ms += BOUNDS.ttl_ms - 1
    assert (prune(log), read(log, 0), end_of(log).oldest) == ([], [1], 1)
    assert log.append([PublishRequest("r", "1", key="k")]) == (
        first,
    )  # kept as long as entries are
    database.time_ms += 1
    assert (read(log, 0), end_of(log).oldest) == ([], 2)
    assert (prune(log), read(log, 0), end_of(log).oldest) == ([2], [], 2)
    assert log.append([PublishRequest("r", "1", key="k")])[0].position.offset == 2
    database.time_ms += BOUNDS.meta_ttl_ms - 1
    assert (prune(log), rows()) == ([2], (1, 0, 0))
    database.time_ms += 1
    assert (prune(log), rows()) == ([1], (0, 0, 0))


# ---------------------------------------------------------------- what was deleted by hand


def test_a_log_without_its_entries_continues(log: BlockingDatabaseLog) -> None:
    text = '"' + "x" * 398 + '"'
    publish(log, *[text] * 5)
    RoomEntry.objects.all().delete()
    assert [read(log, after) for after in (0, 4, 5)] == [[], [], []]
    publish(log, text)
    assert (end_of(log).oldest, read(log, 5)) == (6, [6])
    publish(log, *[text] * 4)
    assert read(log, 5) == [6, 7, 8, 9, 10]  # what is gone is no longer counted


def test_a_read_ends_at_a_hole(log: BlockingDatabaseLog) -> None:
    publish(log, "1", "2", "3", "4")
    RoomEntry.objects.filter(offset__in=[1, 3]).delete()
    assert [read(log, after) for after in range(5)] == [[], [2], [], [4], []]
    publish(log, *["1"] * BOUNDS.length)
    assert end_of(log).oldest == 5
