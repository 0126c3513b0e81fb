"""The worker's own attempts: they find failure and recovery, and leave nothing else behind."""

import asyncio
import threading
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from realtime.common.handler_threads import HandlerThreads
from realtime.common.threads import Threads
from realtime.store.contract import AtCapacity, StoreUnavailable
from realtime.worker.admission import probes
from realtime.worker.admission.probes import Probe, Probes
from realtime.worker.admission.refusals import Reason, Refusals
from realtime.worker.admission.turns import Limiter

from ..fakes import settled


class Attempt:
    """Fails while told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.made = 0

    async def __call__(self) -> None:
        self.made += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


async def test_a_round_finds_failure_and_recovery(refusals: Refusals) -> None:
    store, logins = Attempt(), Attempt()
    rounds = Probes(refusals, always={Reason.STORE: store, Reason.LOGIN_STORE: logins}, failing={})
    store.error = StoreUnavailable("OOM command not allowed")
    await rounds.round()
    assert refusals.failing == {"store": "OOM command not allowed"}
    store.error = None
    await rounds.round()
    assert (refusals.failing, store.made, logins.made) == ({}, 2, 2)


async def test_what_is_dear_is_tried_only_while_it_fails(refusals: Refusals) -> None:
    room = Attempt()
    rounds = Probes(refusals, always={}, failing={Reason.CAPACITY: room})
    await rounds.round()
    assert room.made == 0
    refusals.note(Reason.CAPACITY, "too many are waiting")
    room.error = AtCapacity("too many are waiting")
    await rounds.round()
    room.error = None
    await rounds.round()
    assert (room.made, refusals.failing) == (2, {})


async def test_a_defect_of_an_attempt_is_a_failure_whose_traceback_comes_once(
    refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    store = Attempt()
    store.error = ZeroDivisionError("a defect")
    rounds = Probes(refusals, always={Reason.STORE: store}, failing={})
    for _ in range(3):
        await rounds.round()
    assert refusals.failing == {"store": "a defect"}
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize("taken", ["turn", "thread", "loan", ""])
async def test_room_is_a_turn_and_a_thread_and_a_loan(
    taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, gate = Limiter(1, patience=10.0), threading.Event()
    threads, lender = Threads(size=1, max_pending=1), HandlerThreads(size=1, patience=10.0)

    async def turn() -> None:
        async with turns.one():
            pass

    async def loan() -> None:
        with lender.loan():
            await sync_to_async(gate.wait)(10)

    async with AsyncExitStack() as stack:
        if taken == "turn":
            await stack.enter_async_context(turns.one())
        busy: dict[str, Any] = {"thread": partial(threads.run, gate.wait, 10), "loan": loan}
        under_way = asyncio.ensure_future(busy.get(taken, turn)())
        await asyncio.sleep(0)
        expected: Any = pytest.raises(AtCapacity) if taken else nullcontext()
        with monkeypatch.context() as patched, expected:
            patched.setattr(probes, "EVERY", 0.05 if taken else 10.0)
            await probes.find_room(turn, threads, lender)
        gate.set()
    await under_way
    await asyncio.gather(threads.aclose(), lender.aclose())


async def test_the_attempts_of_a_round_are_made_side_by_side(refusals: Refusals) -> None:
    """One that hangs does not hide what the other finds."""
    hangs, store = asyncio.Event(), Attempt()
    store.error = StoreUnavailable("no answer")
    always: dict[Reason, Probe] = {Reason.LOGIN_STORE: hangs.wait, Reason.STORE: store}
    round_ = asyncio.create_task(Probes(refusals, always=always, failing={}).round())
    await settled()
    assert refusals.failing == {"store": "no answer"}
    hangs.set()
    await round_
