"""The async functions of the api: native in a worker, elsewhere in threads; and transactions."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.functional import SimpleLazyObject

from realtime import api, composition
from realtime.protocol.position import Position
from realtime.worker.runtime import Runtime
from tests.consumers.client import Client

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def busy_sync_thread() -> AsyncIterator[None]:
    """Other sync code occupies asgiref's single thread of the process."""
    gate, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(20)

    stranger = asyncio.ensure_future(sync_to_async(work)())
    assert await asyncio.to_thread(begun.wait, 20)
    try:
        yield
        assert not stranger.done()
    finally:
        gate.set()


CALLS: dict[str, Callable[[], Awaitable[Any]]] = {
    "publish": lambda: api.apublish("chat:1", {"n": 1}),
    "publish_to_user": lambda: api.apublish_to_user(7, "hi"),
    "publish_many": lambda: api.apublish_many(("chat:2", number) for number in range(201)),
    "kick": lambda: api.akick("0" * 32),
    "kick_user": lambda: api.akick_user(7),
    "sessions_of": lambda: api.asessions_of(7),
    "stats": api.astats,
    "position": lambda: api.aposition("chat:1"),
    "presence": lambda: api.apresence("chat:1"),
    "attendance": lambda: api.aattendance("chat:1"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_async_calls_do_not_wait_for_other_sync_code(
    call: Callable[[], Awaitable[Any]],
) -> None:
    async with busy_sync_thread():
        await asyncio.wait_for(call(), 10)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
async def test_async_calls_in_a_worker_need_no_thread_of_the_process(
    call: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_blocking_store() -> None:
        raise AssertionError("a worker has its own")

    monkeypatch.setattr(composition, "blocking_store", no_blocking_store)
    async with busy_sync_thread():
        await asyncio.wait_for(call(), 10)


@pytest.mark.usefixtures("worker")
async def test_async_calls_return_what_the_sync_ones_do() -> None:
    client = Client()
    session = (await client.greet())["session"]
    known = await sync_to_async(api.sessions_of)("")
    assert [each.id for each in known] in ([session], [])
    assert await api.apresence("chat:1") == await sync_to_async(api.presence)("chat:1") == ()
    assert (await api.astats()).connected == (await sync_to_async(api.stats)()).connected == 1
    counted = await api.aattendance("chat:1")
    assert counted == await sync_to_async(api.attendance)("chat:1")
    published = await api.apublish("chat:1", 1, key="k")
    assert published == await sync_to_async(api.publish)("chat:1", 1, key="k")
    assert await api.akick(session, code=4500)
    assert not await api.akick("")
    messages, code = await client.end()
    assert (messages[-1]["type"], code) == ("goodbye", 4500)


@pytest.mark.parametrize("wrong", [3999, 5000])
async def test_a_wrong_code_is_the_callers_mistake(wrong: int) -> None:
    for call in (api.akick("a", code=wrong), api.akick_user(1, code=wrong)):
        with pytest.raises(ValueError, match="4000 to 4999"):
            await call


@pytest.mark.usefixtures("worker")
async def test_a_lazy_user_is_looked_up_in_a_thread() -> None:
    await User.objects.acreate(username="ada")

    def late() -> Any:
        return SimpleLazyObject(lambda: User.objects.get(username="ada"))

    assert await api.apublish_to_user(late(), 1)
    assert await api.akick_user(late()) == 0
    assert await api.asessions_of(late()) == ()


# ---------------------------------------------------------------- transactions


async def top(room: str) -> int:
    """Return how many publications there are."""
    ends = await sync_to_async(composition.blocking_store().log.ends)([room])
    return ends[room].top.offset


@pytest.mark.usefixtures("worker")
async def test_a_call_under_a_sync_transaction_waits_for_its_commit() -> None:
    answers: list[Position | None] = []

    def view(*, fails: bool) -> None:
        with transaction.atomic():
            answers.append(async_to_sync(api.apublish)("chat:1", 1))
            if fails:
                transaction.set_rollback(True)

    await sync_to_async(view)(fails=True)
    assert (await top("chat:1"), answers) == (0, [None])
    await sync_to_async(view)(fails=False)
    assert (await top("chat:1"), answers) == (1, [None, None])


async def test_a_call_in_a_handler_s_transaction_waits_for_its_commit(
    worker: Runtime,
) -> None:
    with worker.handler_threads.executor():
        await User.objects.acount()  # a thread, but no transaction
        assert await api.apublish("chat:1", 1)
        block = transaction.atomic()
        await sync_to_async(block.__enter__)()
        assert await api.apublish("chat:1", 2) is None
        assert await committed_top("chat:1") == 1
        await sync_to_async(block.__exit__)(None, None, None)
        assert await top("chat:1") == 2


async def committed_top(room: str) -> int:
    """Return what another connection sees."""
    return await asyncio.create_task(asyncio.to_thread(async_to_sync(top), room))
