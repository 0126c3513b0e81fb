"""The worker's own attempts: they find failure and recovery, and leave nothing else behind."""

import asyncio

import pytest

from realtime.store.base import AtCapacity, StoreUnavailable
from realtime.threads import Threads
from realtime.worker import probes
from realtime.worker.probes import Probe, Probes
from realtime.worker.refusals import Reason, Refusals
from realtime.worker.turns import Turns

from .fakes import settled


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


async def test_room_is_a_turn_and_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, threads, full = Turns(1, patience=10.0), Threads(size=1), Threads(size=1, max_pending=0)

    async def turn() -> None:
        async with turns.one():
            pass

    await probes.find_room(turn, threads)
    with pytest.raises(AtCapacity):
        await probes.find_room(turn, full)
    async with turns.one():
        with monkeypatch.context() as patched, pytest.raises(AtCapacity):
            patched.setattr(probes, "EVERY", 0.01)
            await probes.find_room(turn, threads)
    await probes.find_room(turn, threads)
    await asyncio.gather(threads.aclose(), full.aclose())


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
