"""Concurrent appends of event loops: on a database, those that wait share a call; the results are
the same on every store."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from typing import Any

import pytest

from realtime.common.threads import Threads
from realtime.store.contract import AtCapacity, Store
from realtime.store.database import DatabaseStore, append_queue
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.log import MAX_BATCH, LogBounds, PublishRequest, PublishResult
from realtime.store.redis import BlockingRedisStore, RedisStore
from realtime.store.redis.client import blocking_client, loop_client
from realtime.store.redis.operations import RedisOperations
from realtime.store.redis.scripts import ScriptCalls
from tests.redis_server import RedisServer

from .store_fixtures import PREFIX, TIMEOUTS
from .test_database_store import CountingDatabase

ROOMY = LogBounds()
PATIENCE = 20.0  # seconds
DATABASES = [
    pytest.param("default_database", marks=pytest.mark.django_db(transaction=True)),
    "postgres_database",
]


@pytest.fixture(params=[*DATABASES, "redis_server"])
def ground(request: pytest.FixtureRequest) -> Any:
    """The alias of a database, or a Redis."""
    ground = request.getfixturevalue(request.param)
    if isinstance(ground, RedisServer):
        with ground.client() as client:
            client.flushall()
    return ground


async def open_store(ground: str | RedisServer, stack: AsyncExitStack) -> Store:
    """The store of one worker."""
    if isinstance(ground, str):
        return await open_database(CountingDatabase(ground), stack)
    operations = RedisOperations(ScriptCalls(TIMEOUTS), ROOMY)
    client = stack.enter_context(closing(blocking_client(ground.url, timeout=PATIENCE)))
    sessions = BlockingRedisStore(client, operations, prefix=PREFIX)
    loop = loop_client(ground.url)
    store = RedisStore(loop, sessions, prefix=PREFIX, timeout=PATIENCE)
    stack.push_async_callback(store.aclose)
    return store


async def open_database(database: CountingDatabase, stack: AsyncExitStack) -> DatabaseStore:
    sessions, threads = BlockingDatabaseStore(database, TIMEOUTS, ROOMY), Threads(size=2)
    store = DatabaseStore(sessions, threads, timeout=PATIENCE)
    stack.push_async_callback(threads.aclose)
    stack.push_async_callback(store.aclose)
    return store


@pytest.fixture
async def workers(ground: str | RedisServer) -> AsyncIterator[list[Store]]:
    """The stores of two workers, with the same content."""
    async with AsyncExitStack() as stack:
        yield [await open_store(ground, stack) for _ in range(2)]


async def texts(store: Store, room: str) -> list[str]:
    """The data in a room's log, from offset 1 on."""
    page = await store.log.read(room, after=0, limit=MAX_BATCH, max_bytes=10**6)
    return [entry.data for entry in page.entries]


# ---------------------------------------------------------------- every store


async def test_each_call_gets_the_positions_of_its_own_requests(workers: list[Store]) -> None:
    """For any rooms in any order: none lost, none doubled, none swapped, and no deadlock."""
    dice = random.Random(7)
    rooms = [f"r{number}" for number in range(6)]
    calls = [
        [PublishRequest(room, f'"{worker} {number} {room}"') for room in dice.sample(rooms, 3)]
        for number in range(40)
        for worker in (0, 1)
    ]
    answers = await asyncio.gather(
        *[workers[number % 2].log.append(requests) for number, requests in enumerate(calls)]
    )
    logs = {room: await texts(workers[0], room) for room in rooms}
    assert sum(len(log) for log in logs.values()) == 3 * len(calls)
    for requests, answer in zip(calls, answers, strict=True):
        told = [logs[d.room][a.position.offset - 1] for d, a in zip(requests, answer, strict=True)]
        assert told == [request.data for request in requests]


async def test_concurrent_requests_with_one_key_are_one_publication(workers: list[Store]) -> None:
    stores = workers * 10
    answers = await asyncio.gather(
        *[
            store.log.append(
                [PublishRequest("r", str(number)), PublishRequest("r", f'"{number}"', key="k")]
            )
            for number, store in enumerate(stores)
        ]
    )
    named = [answer[1] for answer in answers]
    assert len({appended.position for appended in named}) == 1
    assert [appended.fresh for appended in named].count(True) == 1
    log = await texts(workers[0], "r")
    assert len(log) == len(stores) + 1
    (first,) = [number for number, appended in enumerate(named) if appended.fresh]
    assert log[named[0].position.offset - 1] == f'"{first}"'


async def test_an_invalid_request_fails_only_its_own_call(workers: list[Store]) -> None:
    mistakes = [
        [PublishRequest("r", "2"), PublishRequest("no room", "2")],
        [PublishRequest("r", "\0")],
        [PublishRequest("r", "\ud800")],
        [PublishRequest("r", "")],
        [PublishRequest("r", "3")] * (MAX_BATCH + 1),
    ]
    log = workers[0].log
    good, *bad, nothing, also = await asyncio.gather(
        log.append([PublishRequest("r", "1")]),
        *[log.append(requests) for requests in mistakes],
        log.append([]),
        log.append([PublishRequest("r", "4")]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in (good, also)] == [tuple, tuple]
    assert all(isinstance(answer, ValueError) for answer in bad)
    assert nothing == ()
    assert sorted(await texts(workers[1], "r")) == ["1", "4"]


# ---------------------------------------------------------------- databases


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> CountingDatabase:
    return CountingDatabase(request.getfixturevalue(request.param))


@pytest.fixture
async def store(database: CountingDatabase) -> AsyncIterator[DatabaseStore]:
    async with AsyncExitStack() as stack:
        yield await open_database(database, stack)


async def test_appends_that_wait_share_a_transaction(
    store: DatabaseStore, database: CountingDatabase
) -> None:
    requests = [PublishRequest(f"r{each % 3}", "1", key=str(each)) for each in range(60)]
    appended = await asyncio.gather(*[store.log.append([request]) for request in requests])
    assert [each[0].position.offset for each in appended] == [1 + each // 3 for each in range(60)]
    assert database.begun == 1


async def test_a_transaction_has_at_most_a_batch_of_requests(
    store: DatabaseStore, database: CountingDatabase
) -> None:
    """And the requests of one call are never divided."""
    counts = [200, 200, 200, MAX_BATCH, 1, MAX_BATCH - 1]
    appended = await asyncio.gather(
        *[store.log.append([PublishRequest("r", "1")] * count) for count in counts]
    )
    offsets = [each.position.offset for answer in appended for each in answer]
    assert offsets == list(range(1, sum(counts) + 1))
    assert database.begun == 4


async def test_an_append_cancelled_before_it_begins_is_dropped(store: DatabaseStore) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(store.log.append([PublishRequest("r", "1")]))
        while store.log.append_queue.task is None:
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # its call has begun, and the others gather
        second = group.create_task(store.log.append([PublishRequest("r", "2")]))
        third = group.create_task(store.log.append([PublishRequest("r", "3")]))
        await asyncio.sleep(0)
        assert not first.done()
        second.cancel()
    assert third.result()[0].position.offset == 2
    assert await texts(store, "r") == ["1", "3"]


async def test_appends_beyond_the_bound_are_refused(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(append_queue, "MAX_WAITING", 3)
    answers: list[tuple[PublishResult, ...] | BaseException] = await asyncio.gather(
        *[store.log.append([PublishRequest("r", str(each))]) for each in range(5)],
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [tuple] * 3 + [AtCapacity] * 2
    assert await texts(store, "r") == ["0", "1", "2"]
