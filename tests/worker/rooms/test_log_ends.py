"""Batched reads of where logs end."""

import asyncio
import gc
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import pytest

from realtime.protocol.position import Position
from realtime.store.contract import StoreUnavailable
from realtime.store.log import MAX_BATCH, Log, LogEnd
from realtime.worker.rooms.batched_reads import MAX_CALLS, WorkerStopped
from realtime.worker.rooms.log_ends import LogEnds

from ..fakes import settled


class EndsLog:
    """Answers each call with offset 7 for every room, once ``gate`` is open, or fails."""

    def __init__(self) -> None:
        self.calls: list[Sequence[str]] = []
        self.gate = asyncio.Event()
        self.down = False

    async def ends(self, rooms: Sequence[str]) -> Mapping[str, LogEnd]:
        self.calls.append(sorted(rooms))
        await self.gate.wait()
        if self.down:
            raise StoreUnavailable("down")
        return {room: LogEnd(Position("e", 7), 1) for room in rooms}


@pytest.fixture
async def log() -> EndsLog:
    return EndsLog()


@pytest.fixture
async def ends(log: EndsLog) -> LogEnds:
    return LogEnds(cast(Log, log))


def request(ends: LogEnds, *rooms: str) -> "asyncio.Task[dict[str, LogEnd]]":
    return asyncio.create_task(ends.read(rooms))


async def test_requests_of_one_turn_share_a_call(ends: LogEnds, log: EndsLog) -> None:
    log.gate.set()
    one, two = request(ends, "a", "b"), request(ends, "b", "c")
    assert (sorted(await one), sorted(await two)) == (["a", "b"], ["b", "c"])
    assert log.calls == [["a", "b", "c"]]
    assert (await request(ends, "a"))["a"].top.offset == 7
    assert len(log.calls) == 2


async def test_a_call_is_about_a_bounded_number_of_rooms(ends: LogEnds, log: EndsLog) -> None:
    log.gate.set()
    names = [f"r{number}" for number in range(MAX_BATCH + 1)]
    assert list(await ends.read(names)) == names
    assert [len(call) for call in log.calls] == [MAX_BATCH, 1]


async def test_while_all_calls_are_under_way_requests_share_the_next(
    ends: LogEnds, log: EndsLog
) -> None:
    requests = []
    for number in range(MAX_CALLS + 3):
        requests.append(request(ends, f"r{number}"))
        await settled()
    assert len(log.calls) == MAX_CALLS
    log.gate.set()
    await asyncio.gather(*requests)
    assert [len(call) for call in log.calls] == [1] * MAX_CALLS + [3]


async def test_a_failure_reaches_every_request(ends: LogEnds, log: EndsLog) -> None:
    log.down = True
    log.gate.set()
    results = await asyncio.gather(*[ends.read("a"), ends.read("b")], return_exceptions=True)
    assert [type(each) for each in results] == [StoreUnavailable] * 2


async def test_a_failure_that_no_request_waits_for_is_not_logged(
    ends: LogEnds, log: EndsLog
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    with suppress(TimeoutError):
        await asyncio.wait_for(ends.read("a"), 0.001)
    log.down = True
    log.gate.set()
    await settled()
    gc.collect()
    assert (log.calls, reported) == ([["a"]], [])


async def test_a_stop_ends_the_requests(ends: LogEnds) -> None:
    waiting = request(ends, "a")
    await settled()
    await ends.stop()
    with pytest.raises(WorkerStopped):
        await waiting


async def test_no_rooms_take_no_call(ends: LogEnds, log: EndsLog) -> None:
    assert await ends.read([]) == {}
    assert log.calls == []
