"""Receivers of signals: in order for each session, side by side for different ones."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from realtime.common.threads import Threads
from realtime.events import signal_dispatch as module
from realtime.events.signal_dispatch import SignalDispatcher

PATIENCE = 10.0


@pytest.fixture
async def dispatcher() -> AsyncIterator[SignalDispatcher]:
    threads = Threads(size=2)
    yield SignalDispatcher(threads)
    await threads.aclose()


@pytest.fixture
def gate() -> threading.Event:
    """What a slow receiver waits for."""
    return threading.Event()


async def busy_with(dispatcher: SignalDispatcher, session: str, gate: threading.Event) -> None:
    """Until a receiver hears of this session; it goes on when the gate opens."""
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        gate.wait(PATIENCE)

    dispatcher.dispatch(session, slow)
    assert await asyncio.to_thread(begun.wait, PATIENCE)


async def test_what_is_told_of_a_session_arrives_in_order(dispatcher: SignalDispatcher) -> None:
    heard: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    for number in range(200):
        for session, numbers in heard.items():
            dispatcher.dispatch(session, partial(numbers.append, number))
    await dispatcher.settle(within=PATIENCE)
    assert all(numbers == list(range(200)) for numbers in heard.values())


async def test_sessions_do_not_wait_for_each_other(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    heard: list[str] = []
    await busy_with(dispatcher, "slow", gate)
    dispatcher.dispatch("slow", lambda: heard.append("slow"))
    for session in "abc":
        dispatcher.dispatch(session, partial(heard.append, session))
    await dispatcher.wait_for("abc", within=PATIENCE)
    assert heard == ["a", "b", "c"]
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert heard[3:] == ["slow"]


async def test_no_more_at_a_time_than_there_are_threads(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    heard: list[str] = []
    for session in "ab":
        await busy_with(dispatcher, session, gate)
    dispatcher.dispatch("c", lambda: heard.append("c"))
    await dispatcher.wait_for("c", within=0.01)
    assert heard == []
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert heard == ["c"]


async def test_of_those_who_wait_each_session_has_its_turn(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    """One that tells much takes no place of the others."""
    heard: list[str] = []
    for session in "ab":
        await busy_with(dispatcher, session, gate)
    for session in ("many", "many", "many", "one"):
        dispatcher.dispatch(session, partial(heard.append, session))
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert heard.index("one") < 3


@pytest.mark.parametrize("bound", ["MAX_QUEUED", "MAX_QUEUED_PER_SESSION"])
async def test_at_the_bounds_what_is_told_is_dropped_and_that_is_said_once(
    dispatcher: SignalDispatcher,
    gate: threading.Event,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    monkeypatch.setattr(module, bound, 3)
    heard: list[int] = []
    await busy_with(dispatcher, "a", gate)
    for number in range(5):
        dispatcher.dispatch("a", partial(heard.append, number))
    dispatcher.dispatch("b", partial(heard.append, 9))
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    of_others = [9] if bound == "MAX_QUEUED_PER_SESSION" else []
    assert sorted(heard) == [0, 1, *of_others]
    assert caplog.messages == [
        "too many signals wait for their receivers; the next ones are dropped",
        f"signals reach their receivers again; {6 - len(heard)} were dropped",
    ]
    dispatcher.dispatch("a", partial(heard.append, 10))
    await dispatcher.settle(within=PATIENCE)
    assert heard[-1] == 10


@pytest.mark.parametrize("failure", [ZeroDivisionError, SystemExit])
async def test_what_cannot_be_announced_is_logged_and_the_next_follows(
    dispatcher: SignalDispatcher, caplog: pytest.LogCaptureFixture, failure: type[BaseException]
) -> None:
    heard: list[int] = []

    def fail() -> None:
        raise failure

    dispatcher.dispatch("a", fail)
    dispatcher.dispatch("a", lambda: heard.append(1))
    await dispatcher.settle(within=PATIENCE)
    assert heard == [1]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_waiting_for_nobody_takes_no_time(dispatcher: SignalDispatcher) -> None:
    await dispatcher.wait_for(["a"], within=0.0)
    await dispatcher.settle(within=0.0)


async def test_after_the_end_nothing_is_announced() -> None:
    threads = Threads(size=1)
    dispatcher = SignalDispatcher(threads)
    await threads.aclose()
    dispatcher.dispatch("a", lambda: None)


def test_a_loop_that_has_ended_is_not_woken(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    threads = Threads(size=1)
    dispatcher = SignalDispatcher(threads)
    ended: list[Callable[[], bool]] = []

    async def wait_in_vain() -> None:
        await busy_with(dispatcher, "a", gate)
        ended.append(dispatcher._queues["a"].done.done)
        await dispatcher.settle(within=0.01)

    asyncio.run(wait_in_vain())
    gate.set()
    threads._executor.shutdown(wait=True)
    assert (ended[0](), caplog.messages) == (True, [])
