"""Probes find failure and recovery, and have no other effect."""

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
from realtime.worker.admission.limiter import Limiter
from realtime.worker.admission.probes import Probe, Probes
from realtime.worker.admission.refusals import Reason, Refusals

from ..fakes import settled


class Attempt:
    """Fails while ``error`` is set."""

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
    await rounds.run_round()
    assert refusals.failing == {"store": "OOM command not allowed"}
    store.error = None
    await rounds.run_round()
    assert (refusals.failing, store.made, logins.made) == ({}, 2, 2)


async def test_expensive_probes_run_only_while_their_reason_is_open(refusals: Refusals) -> None:
    room = Attempt()
    rounds = Probes(refusals, always={}, failing={Reason.CAPACITY: room})
    await rounds.run_round()
    assert room.made == 0
    refusals.record(Reason.CAPACITY, "too many are waiting")
    room.error = AtCapacity("too many are waiting")
    await rounds.run_round()
    room.error = None
    await rounds.run_round()
    assert (room.made, refusals.failing) == (2, {})


async def test_a_defect_of_a_probe_is_a_failure_with_one_traceback(
    refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    store = Attempt()
    store.error = ZeroDivisionError("a defect")
    rounds = Probes(refusals, always={Reason.STORE: store}, failing={})
    for _ in range(3):
        await rounds.run_round()
    assert refusals.failing == {"store": "a defect"}
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize("taken", ["slot", "thread", "handler thread", ""])
async def test_capacity_is_a_slot_a_thread_and_a_handler_thread(
    taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, gate = Limiter(1, timeout=10.0), threading.Event()
    threads, handler_threads = Threads(size=1, max_pending=1), HandlerThreads(size=1, timeout=10.0)

    async def wait_for_slot() -> None:
        async with limiter.slot():
            pass

    async def handler() -> None:
        with handler_threads.executor():
            await sync_to_async(gate.wait)(10)

    async with AsyncExitStack() as stack:
        if taken == "slot":
            await stack.enter_async_context(limiter.slot())
        busy: dict[str, Any] = {"handler thread": handler}
        busy["thread"] = partial(threads.run, gate.wait, 10)
        under_way = asyncio.ensure_future(busy.get(taken, wait_for_slot)())
        await asyncio.sleep(0)
        expected: Any = pytest.raises(AtCapacity) if taken else nullcontext()
        with monkeypatch.context() as patched, expected:
            patched.setattr(probes, "PROBE_INTERVAL", 0.05 if taken else 10.0)
            await probes.probe_capacity(limiter, threads, handler_threads)
        gate.set()
    await under_way
    await asyncio.gather(threads.aclose(), handler_threads.aclose())


async def test_the_probes_of_a_round_run_side_by_side(refusals: Refusals) -> None:
    """One that hangs does not hide the result of another."""
    hangs, store = asyncio.Event(), Attempt()
    store.error = StoreUnavailable("no answer")
    always: dict[Reason, Probe] = {Reason.LOGIN_STORE: hangs.wait, Reason.STORE: store}
    round_ = asyncio.create_task(Probes(refusals, always=always, failing={}).run_round())
    await settled()
    assert refusals.failing == {"store": "no answer"}
    hangs.set()
    await round_
