"""So many at a time: who waits, for how long, and who is let in next."""

import asyncio

import pytest

from realtime.store.contract import StoreUnavailable
from realtime.worker.admission.turns import Limiter


async def test_so_many_at_a_time_first_come_first_served() -> None:
    turns, begun, over = Limiter(2, patience=10.0), list[int](), asyncio.Event()

    async def work(number: int) -> None:
        async with turns.one():
            begun.append(number)
            await over.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert begun == [0, 1]
    over.set()
    await asyncio.gather(*tasks)
    assert begun == [0, 1, 2, 3, 4]


async def test_nobody_waits_for_ever_and_who_gave_up_holds_up_nobody() -> None:
    turns = Limiter(1, patience=0.01)
    async with turns.one():
        with pytest.raises(StoreUnavailable, match="too many are waiting"):
            async with turns.one():
                pass
    async with turns.one():
        pass
    with pytest.raises(ZeroDivisionError):
        async with turns.one():
            raise ZeroDivisionError
    async with turns.one():
        pass
