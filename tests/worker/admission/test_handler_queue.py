"""The queue of handler calls: in order, bounded, off the loop that reads pongs."""

import asyncio
import sys
from functools import partial

import pytest

from realtime.common.tasks import SpuriousCancellation
from realtime.worker.admission.handler_queue import MAX_WAITING, MAX_WAITING_BYTES, HandlerQueue
from tests.polling import eventually_in_loop

from ..fakes import settled


class QueueHarness:
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
async def harness() -> QueueHarness:
    return QueueHarness()


async def test_calls_run_in_order(harness: QueueHarness) -> None:
    assert all(harness.put(number) for number in range(10))
    await eventually_in_loop(lambda: len(harness.done) == 10)
    assert harness.done == list(range(10))


async def test_calls_run_one_after_the_other(harness: QueueHarness) -> None:
    harness.open.clear()
    harness.put(1)
    harness.put(2)
    await settled()
    assert len([t for t in asyncio.all_tasks() if t.get_name() == "realtime-handlers"]) == 1
    harness.open.set()
    await eventually_in_loop(lambda: harness.done == [1, 2])


async def test_no_task_waits_while_there_is_nothing_to_do(harness: QueueHarness) -> None:
    before = asyncio.all_tasks()
    harness.put(1)
    await eventually_in_loop(lambda: harness.done == [1])
    await settled()
    assert asyncio.all_tasks() == before
    harness.put(2)
    await eventually_in_loop(lambda: harness.done == [1, 2])


async def test_a_full_queue_takes_no_more(harness: QueueHarness) -> None:
    harness.open.clear()
    harness.put(0)
    await settled()  # the first is being done and waits no longer
    assert all(harness.put(number) for number in range(MAX_WAITING))
    assert not harness.put(99)
    harness.open.set()
    await eventually_in_loop(lambda: len(harness.done) == MAX_WAITING + 1)
    assert 99 not in harness.done


async def test_a_queue_that_holds_too_many_bytes_takes_no_more_of_them(
    harness: QueueHarness,
) -> None:
    half = MAX_WAITING_BYTES // 2
    harness.open.clear()
    harness.put(0, size=10 * half)
    await settled()  # the first is being done and waits no longer
    assert [harness.put(number, size=half) for number in (1, 2, 3)] == [True, True, False]
    assert harness.put(4)
    harness.open.set()
    await eventually_in_loop(lambda: harness.done == [0, 1, 2, 4])
    assert harness.put(5, size=10 * half)  # one alone may be larger
    assert not harness.put(6, size=1)
    await eventually_in_loop(lambda: harness.done[-1] == 5)


async def test_dropped_calls_take_no_room(harness: QueueHarness) -> None:
    for number in (-1, 1):
        harness.put(number, size=MAX_WAITING_BYTES // 2)
    await eventually_in_loop(lambda: harness.failures)
    assert all(harness.put(number, size=MAX_WAITING_BYTES // 2) for number in (2, 3))
    await eventually_in_loop(lambda: harness.done == [2, 3])


async def test_a_failure_is_reported_and_drops_the_others(harness: QueueHarness) -> None:
    for number in (1, -1, 2):
        harness.put(number)
    await eventually_in_loop(lambda: harness.failures)
    await settled()
    assert (harness.done, harness.failures) == ([1], [harness.failure])


async def test_a_spurious_cancellation_is_a_failure(harness: QueueHarness) -> None:
    harness.failure = asyncio.CancelledError()
    for number in (1, -1, 2):
        harness.put(number)
    await eventually_in_loop(lambda: harness.failures)
    assert harness.done == [1]
    assert [type(failure) for failure in harness.failures] == [SpuriousCancellation]


async def test_stop_cancels_the_running_call_and_drops_the_others(harness: QueueHarness) -> None:
    harness.open.clear()
    harness.put(1)
    harness.put(2)
    await settled()
    harness.queue.stop()
    harness.open.set()
    await settled()
    assert (harness.done, harness.failures) == ([], [])


async def test_stop_of_an_idle_queue(harness: QueueHarness) -> None:
    harness.queue.stop()
    harness.put(1)
    await eventually_in_loop(lambda: harness.done == [1])
