"""The limiter: slots in order of arrival, and a timeout."""

import asyncio

import pytest

from realtime.store.contract import StoreUnavailable
from realtime.worker.admission.limiter import Limiter


async def test_slots_go_first_come_first_served() -> None:
    limiter, begun, over = Limiter(2, timeout=10.0), list[int](), asyncio.Event()

    async def work(number: int) -> None:
        async with limiter.slot():
            begun.append(number)
            await over.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert begun == [0, 1]
    over.set()
    await asyncio.gather(*tasks)
    assert begun == [0, 1, 2, 3, 4]


async def test_a_wait_has_a_timeout_and_then_holds_no_slot() -> None:
    limiter = Limiter(1, timeout=0.01)
    async with limiter.slot():
        with pytest.raises(StoreUnavailable, match="too many are waiting"):
            async with limiter.slot():
                pass
    async with limiter.slot():
        pass
    with pytest.raises(ZeroDivisionError):
        async with limiter.slot():
            raise ZeroDivisionError
    async with limiter.slot():
        pass
