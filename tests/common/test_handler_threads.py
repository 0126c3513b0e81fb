"""Threads of handlers: each call has its own, with database connections as in a request."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction

from realtime.common import handler_threads as module
from realtime.common.handler_threads import HandlerThreadCounters, HandlerThreads, has_own_thread
from realtime.common.threads import Overloaded
from realtime.common.time_limit import time_limit

TIMEOUT = 10.0


@pytest.fixture
async def threads() -> AsyncIterator[HandlerThreads]:
    threads = HandlerThreads(size=2, timeout=TIMEOUT)
    yield threads
    await threads.aclose()


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


ident = sync_to_async(threading.get_ident)


async def blocked(threads: HandlerThreads, gate: threading.Event) -> "asyncio.Task[None]":
    """A call whose sync code has begun and waits for the gate."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block() -> None:
        loop.call_soon_threadsafe(begun.set)
        assert gate.wait(TIMEOUT)

    async def call() -> None:
        with threads.executor():
            await sync_to_async(block)()

    task = asyncio.create_task(call())
    await asyncio.wait_for(begun.wait(), TIMEOUT)
    return task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not true():
            await asyncio.sleep(0.001)


async def test_all_sync_code_of_a_call_runs_in_one_thread(threads: HandlerThreads) -> None:
    with threads.executor():
        one = await ident()
        assert await database_sync_to_async(threading.get_ident)() == one
        assert await asyncio.gather(*[ident() for _ in range(5)]) == [one] * 5
        assert await asyncio.create_task(ident()) == one
        assert one not in (threading.get_ident(), await asyncio.to_thread(threading.get_ident))


async def test_a_thread_is_used_again(threads: HandlerThreads) -> None:
    seen = set()
    for _ in range(10):
        with threads.executor():
            seen.add(await ident())
        await until(lambda: len(threads._free) == threads._total)
    assert len(seen) == 1


async def test_a_call_without_sync_code_takes_no_thread(threads: HandlerThreads) -> None:
    with threads.executor():
        await asyncio.sleep(0)
    assert threads._total == 0


async def test_calls_do_not_wait_for_each_other(
    threads: HandlerThreads, gate: threading.Event
) -> None:
    busy = await blocked(threads, gate)
    with threads.executor():
        assert await ident()
    gate.set()
    await busy


async def test_no_more_threads_run_than_the_size(
    threads: HandlerThreads, gate: threading.Event
) -> None:
    busy = [await blocked(threads, gate) for _ in range(2)]

    async def third() -> int:
        with threads.executor():
            return int(await ident())

    waiting = asyncio.create_task(third())
    await asyncio.sleep(0.05)
    assert (waiting.done(), threads._total) == (False, 2)
    gate.set()
    await asyncio.gather(waiting, *busy)


async def test_an_idle_handler_delays_no_other(threads: HandlerThreads) -> None:
    """A handler that awaits something else keeps its thread."""
    go_on = asyncio.Event()

    async def rests() -> bool:
        with threads.executor():
            before = await ident()
            await go_on.wait()
            return bool(before == await ident())

    resting = [asyncio.create_task(rests()) for _ in range(8)]
    await until(lambda: threads._idle == 7 or threads._total == 8)
    assert threads._total == 8  # four times the size
    one_more = asyncio.create_task(rests())
    await asyncio.sleep(0.02)
    assert threads._total == 8
    go_on.set()
    assert await asyncio.gather(*resting, one_more) == [True] * 9
    await until(lambda: threads._total == len(threads._free) == 2)
    assert threads._idle == 0


async def test_a_wait_beyond_the_timeout_is_overloaded_and_logged_once(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    threads = HandlerThreads(size=1, timeout=0.05)
    busy = await blocked(threads, gate)
    for _ in range(2):
        with threads.executor(), pytest.raises(Overloaded):
            await ident()
    assert threads.counters == HandlerThreadCounters(waits=2, timed_out=2)
    gate.set()
    await busy
    with threads.executor():
        await ident()
    assert caplog.messages == [
        "all threads of the application's handlers have been busy for 0.05 s",
        "handlers have threads again; 2 calls were given up",
    ]
    await threads.aclose()


async def test_where_the_system_has_no_more_threads_the_call_waits_for_one(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = HandlerThreads(size=2, timeout=TIMEOUT)

    async def call() -> int:
        with threads.executor():
            return int(await ident())

    busy = await blocked(threads, gate)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0.05)
        gate.set()
        assert await asyncio.wait_for(waiting, 10)  # in the thread that there is
        await busy
    assert await call()
    await threads.aclose()


async def test_the_queue_of_waiting_executors_is_bounded(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    threads = HandlerThreads(size=1, timeout=TIMEOUT)
    busy = await blocked(threads, gate)

    async def call() -> None:
        with threads.executor():
            await ident()

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await call()
    gate.set()
    await asyncio.gather(busy, waiting)
    assert threads.counters == HandlerThreadCounters(waits=1, refused=1)
    await threads.aclose()


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_thread(
    threads: HandlerThreads, gate: threading.Event
) -> None:
    busy = [await blocked(threads, gate) for _ in range(2)]
    ran: list[int] = []

    async def call() -> None:
        with threads.executor():
            await sync_to_async(ran.append)(1)

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not threads._queue
    gate.set()
    await asyncio.gather(*busy)
    await until(lambda: len(threads._free) == 2)
    assert ran == []


async def test_a_thread_that_was_stuck_is_assigned_again(
    gate: threading.Event,
) -> None:
    threads = HandlerThreads(size=1, timeout=TIMEOUT)
    stuck = await blocked(threads, gate)
    stuck.cancel()
    await asyncio.wait([stuck])

    async def call() -> int:
        with threads.executor():
            return int(await ident())

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    gate.set()
    assert await waiting
    await threads.aclose()


async def test_the_wait_for_a_thread_pauses_the_callers_time_limit(
    gate: threading.Event,
) -> None:
    threads = HandlerThreads(size=1, timeout=TIMEOUT)
    busy = await blocked(threads, gate)

    async def call() -> int:
        async with time_limit(0.2):
            with threads.executor():
                await ident()
                return int(await ident())

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0.5)
    gate.set()
    assert await waiting
    await busy
    with pytest.raises(TimeoutError):
        async with time_limit(0.05):
            with threads.executor():
                await sync_to_async(time.sleep)(0.5)
    await threads.aclose()


async def test_a_task_that_outlives_its_handler_gets_a_thread_per_call(
    threads: HandlerThreads,
) -> None:
    ended = asyncio.Event()

    async def later() -> list[int]:
        await ended.wait()
        return [await ident() for _ in range(3)]

    with threads.executor():
        left = asyncio.create_task(later())
        await ident()
    ended.set()
    assert threading.get_ident() not in await left
    await until(lambda: threads._total == len(threads._free))


async def test_code_around_handlers_gets_a_thread_for_each_call(
    threads: HandlerThreads, gate: threading.Event
) -> None:
    await blocked(threads, gate)
    with threads.shared():
        assert await ident() != threading.get_ident()
        with threads.executor():
            assert await ident() == await ident()
    gate.set()


async def test_sync_code_may_call_async_code_that_calls_sync_code(threads: HandlerThreads) -> None:
    def sync() -> bool:
        inner = async_to_sync(sync_to_async(threading.get_ident))()
        return bool(inner == threading.get_ident())

    with threads.executor():
        assert await sync_to_async(sync)()


async def test_a_loop_of_async_to_sync_uses_the_thread_that_waits_for_it() -> None:
    """As in a test of Django's, whose transaction is open there. Channels' communicator runs an
    application in a task with an empty context."""

    async def call() -> list[int]:
        threads = HandlerThreads(size=1, timeout=TIMEOUT)
        with threads.shared():
            found = [await ident()]
            with threads.executor():
                found += [await ident(), await asyncio.create_task(ident())]
        assert threads._total == 0
        return found

    async def elsewhere() -> list[int]:
        return await asyncio.create_task(call(), context=Context())

    def sync() -> bool:
        return async_to_sync(elsewhere)() == [threading.get_ident()] * 3

    assert await asyncio.to_thread(sync)


async def test_after_the_end_no_call_starts() -> None:
    threads = HandlerThreads(size=1, timeout=TIMEOUT)
    with threads.executor():
        await ident()
        await threads.aclose()
        with pytest.raises(RuntimeError), threads.executor():
            await ident()


# ---------------------------------------------------------------- connections


def wrapper() -> Any:
    """This thread's connection, in use."""
    get_user_model().objects.count()
    return connections["default"]


@pytest.fixture
def persistent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with CONN_MAX_AGE at None."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)


@pytest.mark.django_db(transaction=True)
async def test_without_an_age_a_connection_ends_with_its_call(threads: HandlerThreads) -> None:
    with threads.executor():
        used = await sync_to_async(wrapper)()
        assert used.connection
        assert await get_user_model().objects.acount() == 0
    await until(lambda: used.connection is None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("persistent")
async def test_a_connection_with_an_age_is_used_again(threads: HandlerThreads) -> None:
    with threads.executor():
        used = await sync_to_async(wrapper)()
        raw = used.connection
    await until(lambda: len(threads._free) == 1)
    with threads.executor():
        assert (await sync_to_async(wrapper)()).connection is raw
    await threads.aclose()
    await until(lambda: used.connection is None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("persistent")
async def test_an_open_transaction_reaches_no_other_call(threads: HandlerThreads) -> None:
    def begin() -> None:
        transaction.atomic().__enter__()
        get_user_model().objects.create(username="ada")

    with threads.executor():
        first = await ident()
        assert not has_own_thread()
        await sync_to_async(begin)()
        assert has_own_thread()
    await until(lambda: threads._total == 0)
    with threads.executor():
        assert await get_user_model().objects.acount() == 0
        assert await ident() != first or not has_own_thread()


async def test_sync_code_that_waits_is_an_own_thread() -> None:
    assert not has_own_thread()
    assert await asyncio.to_thread(async_to_sync(_has_own_thread))


async def _has_own_thread() -> bool:
    return has_own_thread()
