"""One bounded pool of threads, off the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from realtime.common import threads as module
from realtime.common.threads import Bulkheads, Overloaded, Threads, run_for_page


@pytest.fixture
async def threads() -> AsyncIterator[Threads]:
    threads = Threads(size=2, max_pending=3)
    yield threads
    await threads.aclose()


@pytest.fixture
def gate() -> threading.Event:
    """Calls of a test run until it is set."""
    return threading.Event()


async def turn_until_idle(threads: Threads) -> None:
    """Wait until the pool has no pending call."""
    while threads._pending:
        await asyncio.sleep(0)


async def test_a_call_runs_in_another_thread(threads: Threads) -> None:
    assert await threads.run(threading.get_ident) != threading.get_ident()


async def test_arguments_and_the_result_pass_through(threads: Threads) -> None:
    assert await threads.run(sorted, [2, 1, 3], reverse=True) == [3, 2, 1]


async def test_an_exception_passes_through(threads: Threads) -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


async def test_no_more_calls_than_the_bound(threads: Threads, gate: threading.Event) -> None:
    calls = [asyncio.create_task(threads.run(gate.wait, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await threads.run(int)
    gate.set()
    assert await asyncio.gather(*calls) == [True] * 3


async def test_ended_calls_make_room_for_others(threads: Threads) -> None:
    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)
        await turn_until_idle(threads)
    assert await threads.run(int) == 0


async def test_a_cancelled_wait_lets_the_call_finish(
    threads: Threads, gate: threading.Event
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        gate.wait(10)
        ended.set()

    waiting = asyncio.create_task(threads.run(call))
    while not begun.is_set():
        await asyncio.sleep(0)
    waiting.cancel()
    gate.set()
    await turn_until_idle(threads)
    assert ended.is_set()


async def test_a_call_cancelled_before_its_turn_does_not_start(
    threads: Threads, gate: threading.Event
) -> None:
    begun: list[int] = []
    busy = [asyncio.create_task(threads.run(gate.wait, 10)) for _ in range(2)]
    given_up = asyncio.create_task(threads.run(begun.append, 1))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    gate.set()
    await asyncio.gather(*busy)
    await turn_until_idle(threads)
    assert begun == []


async def test_a_call_that_cannot_start_does_not_count() -> None:
    threads = Threads(size=1, max_pending=1)
    await threads.aclose()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="shutdown"):
            await threads.run(int)


@pytest.mark.django_db(transaction=True)
async def test_connections_stay_open_between_calls_and_are_closed_at_the_end() -> None:
    threads = Threads(size=1)
    opened = []

    def look() -> object:
        connection.ensure_connection()
        opened.append(connection.connection)
        return connection.connection

    assert await threads.run(look) is await threads.run(look)
    await threads.aclose()
    with pytest.raises(Exception, match="closed"):
        opened[0].execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
async def test_a_call_that_outlives_the_pool_closes_its_connection(gate: threading.Event) -> None:
    threads = Threads(size=2)
    opened = []

    def hang() -> None:
        connection.ensure_connection()
        opened.append(connection.connection)
        gate.wait(10)

    call = asyncio.create_task(threads.run(hang))
    while not opened:
        await asyncio.sleep(0)
    await threads.aclose()
    gate.set()
    await call
    with pytest.raises(Exception, match="closed"):
        opened[0].execute("SELECT 1")


@pytest.mark.django_db(transaction=True)
async def test_every_thread_closes_its_own_connection() -> None:
    threads = Threads(size=3)
    together = threading.Barrier(3)
    opened = []

    def look() -> None:
        connection.ensure_connection()
        opened.append(connection.connection)
        together.wait(10)

    await asyncio.gather(*[threads.run(look) for _ in range(3)])
    await threads.aclose()
    assert len(opened) == 3
    for each in opened:
        with pytest.raises(Exception, match="closed"):
            each.execute("SELECT 1")


async def test_the_end_does_not_wait_for_a_thread_that_is_stuck(gate: threading.Event) -> None:
    threads = Threads(size=2)
    stuck = asyncio.create_task(threads.run(gate.wait, 10))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await threads.aclose()
    assert not stuck.done()
    gate.set()
    assert await stuck


@pytest.mark.django_db(transaction=True)
async def test_a_call_for_a_page_leaves_no_connection_open() -> None:
    def call() -> BaseDatabaseWrapper:
        connection.ensure_connection()
        assert threading.current_thread() is not threading.main_thread()
        return connections["default"]

    used = await run_for_page(call)
    assert used.connection is None


async def test_hanging_calls_for_pages_are_bounded(
    gate: threading.Event,
) -> None:
    def hang() -> str:
        gate.wait(10)
        return threading.current_thread().name

    calls = [asyncio.create_task(run_for_page(hang)) for _ in range(200)]
    await asyncio.sleep(0)
    refused = [call for call in calls if call.done()]
    gate.set()
    names = await asyncio.gather(*calls, return_exceptions=True)
    assert len(refused) == 200 - 64
    assert {type(call.exception()) for call in refused} == {Overloaded}
    assert len({name for name in names if isinstance(name, str)}) <= 4


async def test_the_kinds_of_work_do_not_wait_for_each_other(gate: threading.Event) -> None:
    bulkheads = Bulkheads()
    pools = [bulkheads.store, bulkheads.logins, bulkheads.history, bulkheads.receivers]
    for number, pool in enumerate(pools):
        stuck = [asyncio.create_task(pool.run(gate.wait, 10)) for _ in range(10)]
        for other in pools[:number] + pools[number + 1 :]:
            assert await asyncio.wait_for(other.run(int), 10) == 0
        gate.set()
        await asyncio.wait(stuck)
        gate.clear()
    await bulkheads.aclose()


async def test_a_connection_that_broke_is_not_kept(postgres_database: str) -> None:
    """Even if several databases are in use."""
    threads = Threads(size=1)

    def look() -> int:
        with connections[postgres_database].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def breaks() -> None:
        with suppress(OperationalError), connections[postgres_database].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    first = await threads.run(look)
    assert await threads.run(look) == first
    await threads.run(breaks)
    assert await threads.run(look) != first
    await threads.aclose()


@pytest.mark.parametrize("rest", [0.0, 3600.0])
async def test_a_connection_that_ended_while_idle_is_replaced(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch, rest: float
) -> None:
    monkeypatch.setattr(module, "CHECK_AFTER", rest)
    one, other = Threads(size=1), Threads(size=1)

    def look() -> int:
        database = connections[postgres_database]
        with transaction.atomic(postgres_database), database.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def end(backend: int) -> None:
        with connections[postgres_database].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    first = await one.run(look)
    await other.run(end, first)
    if rest:  # in the midst of work it is an error, once
        with pytest.raises(OperationalError):
            await one.run(look)
    assert await one.run(look) != first
    for threads in (one, other):
        await threads.aclose()


async def test_a_connection_of_djangos_pool_is_not_kept(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg_pool", reason="psycopg-pool is not installed")
    pool = {"pool": {"min_size": 1, "max_size": 1, "timeout": 10}}
    monkeypatch.setitem(connections.settings[postgres_database], "OPTIONS", pool)
    threads = Threads(size=2)
    begun = threading.Barrier(2)

    def look() -> Any:
        database: Any = connections[postgres_database]
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
        return database

    async with asyncio.timeout(20):
        for _ in range(3):  # in both threads
            await asyncio.gather(*[threads.run(begun.wait) for _ in range(2)])
            databases = await asyncio.gather(*[threads.run(look) for _ in range(2)])
    await threads.aclose()
    await asyncio.to_thread(databases[0].close_pool)
