"""Threads lent to application code: each call has its own, and connections as in a request."""

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
from realtime.common.handler_threads import HandlerThreads, has_own_thread
from realtime.common.threads import Overloaded
from realtime.common.time_limit import time_limit

PATIENCE = 10.0


@pytest.fixture
async def lender() -> AsyncIterator[HandlerThreads]:
    lender = HandlerThreads(size=2, patience=PATIENCE)
    yield lender
    await lender.aclose()


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


ident = sync_to_async(threading.get_ident)


async def blocked(lender: HandlerThreads, gate: threading.Event) -> "asyncio.Task[None]":
    """A call whose sync code has begun and waits for the gate."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block() -> None:
        loop.call_soon_threadsafe(begun.set)
        assert gate.wait(PATIENCE)

    async def call() -> None:
        with lender.loan():
            await sync_to_async(block)()

    task = asyncio.create_task(call())
    await asyncio.wait_for(begun.wait(), PATIENCE)
    return task


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.001)


async def test_all_sync_code_of_a_call_runs_in_one_thread(lender: HandlerThreads) -> None:
    with lender.loan():
        one = await ident()
        assert await database_sync_to_async(threading.get_ident)() == one
        assert await asyncio.gather(*[ident() for _ in range(5)]) == [one] * 5
        assert await asyncio.create_task(ident()) == one
        assert one not in (threading.get_ident(), await asyncio.to_thread(threading.get_ident))


async def test_a_thread_is_used_again(lender: HandlerThreads) -> None:
    seen = set()
    for _ in range(10):
        with lender.loan():
            seen.add(await ident())
        await until(lambda: len(lender._free) == lender._total)
    assert len(seen) == 1


async def test_a_call_without_sync_code_takes_no_thread(lender: HandlerThreads) -> None:
    with lender.loan():
        await asyncio.sleep(0)
    assert lender._total == 0


async def test_calls_do_not_wait_for_each_other(
    lender: HandlerThreads, gate: threading.Event
) -> None:
    busy = await blocked(lender, gate)
    with lender.loan():
        assert await ident()
    gate.set()
    await busy


async def test_there_are_no_more_threads_at_work_than_allowed(
    lender: HandlerThreads, gate: threading.Event
) -> None:
    busy = [await blocked(lender, gate) for _ in range(2)]

    async def third() -> int:
        with lender.loan():
            return int(await ident())

    waiting = asyncio.create_task(third())
    await asyncio.sleep(0.05)
    assert (waiting.done(), lender._total) == (False, 2)
    gate.set()
    await asyncio.gather(waiting, *busy)


async def test_a_call_that_rests_holds_up_nobody(lender: HandlerThreads) -> None:
    """It awaits something else, and may go on in its thread afterwards."""
    go_on = asyncio.Event()

    async def rests() -> bool:
        with lender.loan():
            before = await ident()
            await go_on.wait()
            return bool(before == await ident())

    resting = [asyncio.create_task(rests()) for _ in range(8)]
    await until(lambda: lender._resting == 7 or lender._total == 8)
    assert lender._total == 8  # four times the size
    one_more = asyncio.create_task(rests())
    await asyncio.sleep(0.02)
    assert lender._total == 8
    go_on.set()
    assert await asyncio.gather(*resting, one_more) == [True] * 9
    await until(lambda: lender._total == len(lender._free) == 2)
    assert lender._resting == 0


async def test_who_waits_too_long_is_given_up_and_that_is_said_once(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    lender = HandlerThreads(size=1, patience=0.05)
    busy = await blocked(lender, gate)
    for _ in range(2):
        with lender.loan(), pytest.raises(Overloaded):
            await ident()
    gate.set()
    await busy
    with lender.loan():
        await ident()
    assert caplog.messages == [
        "all threads of the application's handlers have been busy for 0.05 s",
        "handlers have threads again; 2 calls were given up",
    ]
    await lender.aclose()


async def test_where_the_system_has_no_more_threads_the_call_waits_for_one(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lender = HandlerThreads(size=2, patience=PATIENCE)

    async def call() -> int:
        with lender.loan():
            return int(await ident())

    busy = await blocked(lender, gate)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0.05)
        gate.set()
        assert await asyncio.wait_for(waiting, 10)  # in the thread that there is
        await busy
    assert await call()
    await lender.aclose()


async def test_so_many_wait_and_no_more(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 1)
    lender = HandlerThreads(size=1, patience=PATIENCE)
    busy = await blocked(lender, gate)

    async def call() -> None:
        with lender.loan():
            await ident()

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await call()
    gate.set()
    await asyncio.gather(busy, waiting)
    await lender.aclose()


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_thread(
    lender: HandlerThreads, gate: threading.Event
) -> None:
    busy = [await blocked(lender, gate) for _ in range(2)]
    ran: list[int] = []

    async def call() -> None:
        with lender.loan():
            await sync_to_async(ran.append)(1)

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not lender._queue
    gate.set()
    await asyncio.gather(*busy)
    await until(lambda: len(lender._free) == 2)
    assert ran == []


async def test_a_thread_that_is_stuck_is_lent_when_it_is_free_again(
    gate: threading.Event,
) -> None:
    lender = HandlerThreads(size=1, patience=PATIENCE)
    stuck = await blocked(lender, gate)
    stuck.cancel()
    await asyncio.wait([stuck])

    async def call() -> int:
        with lender.loan():
            return int(await ident())

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    gate.set()
    assert await waiting
    await lender.aclose()


async def test_the_wait_for_a_thread_does_not_count_as_the_callers_time(
    gate: threading.Event,
) -> None:
    lender = HandlerThreads(size=1, patience=PATIENCE)
    busy = await blocked(lender, gate)

    async def call() -> int:
        async with time_limit(0.2):
            with lender.loan():
                await ident()
                return int(await ident())

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0.5)
    gate.set()
    assert await waiting
    await busy
    with pytest.raises(TimeoutError):
        async with time_limit(0.05):
            with lender.loan():
                await sync_to_async(time.sleep)(0.5)
    await lender.aclose()


async def test_code_left_behind_borrows_a_thread_for_each_call(lender: HandlerThreads) -> None:
    ended = asyncio.Event()

    async def later() -> list[int]:
        await ended.wait()
        return [await ident() for _ in range(3)]

    with lender.loan():
        left = asyncio.create_task(later())
        await ident()
    ended.set()
    assert threading.get_ident() not in await left
    await until(lambda: lender._total == len(lender._free))


async def test_code_around_handlers_borrows_a_thread_for_each_call(
    lender: HandlerThreads, gate: threading.Event
) -> None:
    await blocked(lender, gate)
    with lender.around():
        assert await ident() != threading.get_ident()
        with lender.loan():
            assert await ident() == await ident()
    gate.set()


async def test_sync_code_may_call_async_code_that_calls_sync_code(lender: HandlerThreads) -> None:
    def sync() -> bool:
        inner = async_to_sync(sync_to_async(threading.get_ident))()
        return bool(inner == threading.get_ident())

    with lender.loan():
        assert await sync_to_async(sync)()


async def test_in_a_loop_that_sync_code_waits_for_it_has_that_thread() -> None:
    """As in a test of Django's, whose transaction is open there. Channels' communicator runs an
    application in a task with an empty context."""

    async def call() -> list[int]:
        lender = HandlerThreads(size=1, patience=PATIENCE)
        with lender.around():
            found = [await ident()]
            with lender.loan():
                found += [await ident(), await asyncio.create_task(ident())]
        assert lender._total == 0
        return found

    async def elsewhere() -> list[int]:
        return await asyncio.create_task(call(), context=Context())

    def sync() -> bool:
        return async_to_sync(elsewhere)() == [threading.get_ident()] * 3

    assert await asyncio.to_thread(sync)


async def test_after_the_end_nothing_begins() -> None:
    lender = HandlerThreads(size=1, patience=PATIENCE)
    with lender.loan():
        await ident()
        await lender.aclose()
        with pytest.raises(RuntimeError), lender.loan():
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
async def test_without_an_age_a_connection_ends_with_its_call(lender: HandlerThreads) -> None:
    with lender.loan():
        used = await sync_to_async(wrapper)()
        assert used.connection
        assert await get_user_model().objects.acount() == 0
    await until(lambda: used.connection is None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("persistent")
async def test_a_connection_with_an_age_is_used_again(lender: HandlerThreads) -> None:
    with lender.loan():
        used = await sync_to_async(wrapper)()
        raw = used.connection
    await until(lambda: len(lender._free) == 1)
    with lender.loan():
        assert (await sync_to_async(wrapper)()).connection is raw
    await lender.aclose()
    await until(lambda: used.connection is None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("persistent")
async def test_a_transaction_left_open_meets_no_other_call(lender: HandlerThreads) -> None:
    def begin() -> None:
        transaction.atomic().__enter__()
        get_user_model().objects.create(username="ada")

    with lender.loan():
        first = await ident()
        assert not has_own_thread()
        await sync_to_async(begin)()
        assert has_own_thread()
    await until(lambda: lender._total == 0)
    with lender.loan():
        assert await get_user_model().objects.acount() == 0
        assert await ident() != first or not has_own_thread()


async def test_who_has_a_thread_of_its_own() -> None:
    assert not has_own_thread()
    assert await asyncio.to_thread(async_to_sync(_asks))


async def _asks() -> bool:
    return has_own_thread()
