"""The message log on PostgreSQL: concurrent transactions."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from realtime.common.threads import Threads
from realtime.store.contract import StoreUnavailable
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import BlockingDatabaseLog, BlockingDatabaseStore
from realtime.store.database.log import LogOperations
from realtime.store.database.transaction import Database
from realtime.store.log import LogBounds, LogPage, PublishRequest
from tests.faults import Proxy
from tests.postgres_server import PostgresServer

from .store_fixtures import TIMEOUTS
from .test_log import end_of, publish, read
from .test_postgresql import at_once

ROOMY = LogBounds(length=1000, bytes=10**6)


@pytest.fixture
def database(postgres_database: str) -> Database:
    return Database(postgres_database)


@pytest.fixture
def log(database: Database) -> BlockingDatabaseLog:
    return BlockingDatabaseLog(LogOperations(database, ROOMY))


# ---------------------------------------------------------------- order


def test_the_order_of_commits_is_the_order_of_offsets(log: BlockingDatabaseLog) -> None:
    """A concurrent reader sees all entries up to some offset: no hole that is filled later."""
    writers, each = 4, 30

    def write(name: int) -> None:
        for number in range(each):
            publish(log, f"{name}{number}")

    def watch() -> list[LogPage]:
        seen: list[LogPage] = []
        while not seen or seen[-1].end.top.offset < writers * each:
            seen.append(log.read("r", after=0, limit=500, max_bytes=10**6))
            assert len(seen) < 100_000
        return seen

    *_, seen, also = at_once(
        *[lambda name=name: write(name) for name in range(1, writers + 1)], watch, watch
    )
    final = log.read("r", after=0, limit=500, max_bytes=10**6).entries
    assert len(final) == writers * each
    assert len({page.end.top.offset for page in seen}) > 10  # it was watched as it grew
    for page in seen + also:
        assert page.entries == final[: len(page.entries)]
        assert min(1, page.end.top.offset) <= len(page.entries) <= page.end.top.offset


def test_a_reader_of_a_log_that_is_trimmed_sees_a_part_without_holes(database: Database) -> None:
    log = BlockingDatabaseLog(LogOperations(database, LogBounds(length=5)))

    def watch() -> list[LogPage]:
        seen: list[LogPage] = []
        while not seen or seen[-1].end.top.offset < 100:
            after = seen[-1].end.top.offset if seen else 0
            seen.append(log.read("r", after=max(0, after - 3), limit=500, max_bytes=10**6))
        return seen

    def write() -> None:
        for _ in range(50):
            publish(log, "1")

    *_, seen = at_once(write, write, watch)
    for before, page in zip([None, *seen], seen, strict=False):
        after = max(0, before.end.top.offset - 3) if before else 0
        offsets = [entry.offset for entry in page.entries]
        assert offsets == list(range(after + 1, after + 1 + len(offsets)))
        assert bool(offsets) == (page.end.oldest <= after + 1 <= page.end.top.offset)


# ---------------------------------------------------------------- locks


def test_appends_to_several_rooms_do_not_deadlock(log: BlockingDatabaseLog) -> None:
    """New and old rooms in any order, during reads and pruning. PostgreSQL would fail a deadlock
    after a second."""
    rooms = [f"r{number}" for number in range(12)]

    def work(seed: int) -> int:
        dice, count = random.Random(seed), 0
        for number in range(20):
            some = dice.sample(rooms[: 4 + number // 2], 4)
            key = f"{seed} {number}"
            count += len(log.append([PublishRequest(room, "1", key=key) for room in some]))
            log.ends(dice.sample(rooms, 6))
        return count

    def prune() -> int:
        return sum(log.prune() for _ in range(30))

    *counts, pruned = at_once(*[lambda s=s: work(s) for s in range(4)], prune)
    assert (counts, pruned) == ([80] * 4, 0)
    assert sum(end.top.offset for end in log.ends(rooms).values()) == 4 * 80


async def test_workers_do_not_wait_for_each_other(database: Database) -> None:
    """Writes of one worker share transactions, except those that lock rooms."""
    sessions = BlockingDatabaseStore(database, TIMEOUTS, ROOMY)
    threads = [Threads(size=1), Threads(size=1)]
    stores = [DatabaseStore(sessions, each, timeout=10.0) for each in threads]
    rooms = [f"r{number}" for number in range(10)]
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        *[stores[0].log.append([PublishRequest(room, "1")]) for room in rooms * 5],
        *[stores[1].log.append([PublishRequest(room, "1")]) for room in rooms[::-1] * 5],
        *[stores[1].log.ends(rooms[::-1]) for _ in range(5)],
    )
    assert {end.top.offset for end in (await stores[0].log.ends(rooms)).values()} == {10}
    assert asyncio.get_running_loop().time() - began < 10  # each deadlock would take a second
    for store, own in zip(stores, threads, strict=True):
        await store.aclose()
        await own.aclose()


# ---------------------------------------------------------------- a lost answer


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


def test_a_commit_without_an_answer_is_repeated_safely(
    log: BlockingDatabaseLog, proxy: Proxy
) -> None:
    requests = [PublishRequest("r", "1", key="k"), PublishRequest("s", "2", key="k")]
    end_of(log)
    proxy.cut_replies(to=b"COMMIT")
    with pytest.raises(StoreUnavailable):
        log.append(requests)
    assert proxy.cuts == 1
    again = log.append(requests)
    assert [(each.position.offset, each.fresh) for each in again] == [(1, False), (1, False)]
    assert (read(log, 0), read(log, 0, room="s")) == ([1], [1])


async def test_a_failed_transaction_is_unknown_to_all_its_calls(
    database: Database, proxy: Proxy
) -> None:
    threads = Threads(size=1)
    store = DatabaseStore(BlockingDatabaseStore(database, TIMEOUTS, ROOMY), threads, timeout=10.0)
    requests = [PublishRequest("r", str(each), key=str(each)) for each in range(5)]
    proxy.cut_replies(to=b"COMMIT")

    async def append_all() -> list[Any]:
        calls = [store.log.append([request]) for request in requests]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(answer) for answer in await append_all()] == [StoreUnavailable] * 5
    again = [answer[0] for answer in await append_all()]
    assert [(each.position.offset, each.fresh) for each in again] == [
        (offset, False) for offset in range(1, 6)
    ]
    await store.aclose()
    await threads.aclose()
