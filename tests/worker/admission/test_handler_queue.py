"""The queue of handler calls: in order, bounded, off the loop that reads pongs."""

import asyncio
import sys
from functools import partial

import pytest

from realtime.common.tasks import SpuriousCancellation
from realtime.worker.admission.handler_queue import MAX_WAITING, MAX_WAITING_BYTES, HandlerQueue
from tests.polling import eventually_in_loop

from ..fakes import settled


class Desk:
    """A queue, what it has done, and how often it failed."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.failures: list[BaseException | None] = []
        self.failure: BaseException = ZeroDivisionError("a defect")
        self.open = asyncio.Event()
        self.open.set()
        self.queue = HandlerQueue(self.failed)

    def failed(self) -> None:
        self.failures.append(sys.exception())

    async def handle(self, number: int) -> None:
        await self.open.wait()
        if number < 0:
            raise self.failure
        self.done.append(number)

    def put(self, number: int, *, size: int = 0) -> bool:
        return self.queue.put(partial(self.handle, number), size=size)


@pytest.fixture
async def desk() -> Desk:
    return Desk()


async def test_calls_run_in_order(desk: Desk) -> None:
    assert all(desk.put(number) for number in range(10))
    await eventually_in_loop(lambda: len(desk.done) == 10)
    assert desk.done == list(range(10))


async def test_calls_run_one_after_the_other(desk: Desk) -> None:
    desk.open.clear()
    desk.put(1)
    desk.put(2)
    await settled()
    assert len([t for t in asyncio.all_tasks() if t.get_name() == "realtime-handlers"]) == 1
    desk.open.set()
    await eventually_in_loop(lambda: desk.done == [1, 2])


async def test_no_task_waits_while_there_is_nothing_to_do(desk: Desk) -> None:
    before = asyncio.all_tasks()
    desk.put(1)
    await eventually_in_loop(lambda: desk.done == [1])
    await settled()
    assert asyncio.all_tasks() == before
    desk.put(2)
    await eventually_in_loop(lambda: desk.done == [1, 2])


async def test_a_full_queue_takes_no_more(desk: Desk) -> None:
    desk.open.clear()
    desk.put(0)
    await settled()  # the first is being done and waits no longer
    assert all(desk.put(number) for number in range(MAX_WAITING))
    assert not desk.put(99)
    desk.open.set()
    await eventually_in_loop(lambda: len(desk.done) == MAX_WAITING + 1)
    assert 99 not in desk.done


async def test_a_queue_that_holds_too_many_bytes_takes_no_more_of_them(desk: Desk) -> None:
    half = MAX_WAITING_BYTES // 2
    desk.open.clear()
    desk.put(0, size=10 * half)
    await settled()  # the first is being done and waits no longer
    assert [desk.put(number, size=half) for number in (1, 2, 3)] == [True, True, False]
    assert desk.put(4)
    desk.open.set()
    await eventually_in_loop(lambda: desk.done == [0, 1, 2, 4])
    assert desk.put(5, size=10 * half)  # one alone may be larger
    assert not desk.put(6, size=1)
    await eventually_in_loop(lambda: desk.done[-1] == 5)


async def test_dropped_calls_take_no_room(desk: Desk) -> None:
    for number in (-1, 1):
        desk.put(number, size=MAX_WAITING_BYTES // 2)
    await eventually_in_loop(lambda: desk.failures)
    assert all(desk.put(number, size=MAX_WAITING_BYTES // 2) for number in (2, 3))
    await eventually_in_loop(lambda: desk.done == [2, 3])


async def test_a_failure_is_reported_and_drops_the_others(desk: Desk) -> None:
    for number in (1, -1, 2):
        desk.put(number)
    await eventually_in_loop(lambda: desk.failures)
    await settled()
    assert (desk.done, desk.failures) == ([1], [desk.failure])


async def test_a_spurious_cancellation_is_a_failure(desk: Desk) -> None:
    desk.failure = asyncio.CancelledError()
    for number in (1, -1, 2):
        desk.put(number)
    await eventually_in_loop(lambda: desk.failures)
    assert desk.done == [1]
    assert [type(failure) for failure in desk.failures] == [SpuriousCancellation]


async def test_stop_cancels_the_running_call_and_drops_the_others(desk: Desk) -> None:
    desk.open.clear()
    desk.put(1)
    desk.put(2)
    await settled()
    desk.queue.stop()
    desk.open.set()
    await settled()
    assert (desk.done, desk.failures) == ([], [])


async def test_stop_of_an_idle_queue(desk: Desk) -> None:
    desk.queue.stop()
    desk.put(1)
    await eventually_in_loop(lambda: desk.done == [1])
