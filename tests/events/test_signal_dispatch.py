"""Signals are sent in order for each session, and side by side for different ones."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from realtime.common.threads import Threads
from realtime.events import signal_dispatch as module
from realtime.events.signal_dispatch import SignalCounters, SignalDispatcher

PATIENCE = 10.0


@pytest.fixture
async def dispatcher() -> AsyncIterator[SignalDispatcher]:
    threads = Threads(size=2)
    yield SignalDispatcher(threads)
    await threads.aclose()


@pytest.fixture
def gate() -> threading.Event:
    """Opens for a slow receiver to go on."""
    return threading.Event()


async def block_on(dispatcher: SignalDispatcher, session: str, gate: threading.Event) -> None:
    """Occupy a thread with a signal of this session until the gate opens."""
    begun = threading.Event()

    def slow() -> None:
        begun.set()
        gate.wait(PATIENCE)

    dispatcher.dispatch(session, slow)
    assert await asyncio.to_thread(begun.wait, PATIENCE)


async def test_signals_of_a_session_arrive_in_order(dispatcher: SignalDispatcher) -> None:
    received: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    for number in range(200):
        for session, numbers in received.items():
            dispatcher.dispatch(session, partial(numbers.append, number))
    await dispatcher.settle(within=PATIENCE)
    assert all(numbers == list(range(200)) for numbers in received.values())


async def test_sessions_do_not_wait_for_each_other(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    received: list[str] = []
    await block_on(dispatcher, "slow", gate)
    dispatcher.dispatch("slow", lambda: received.append("slow"))
    for session in "abc":
        dispatcher.dispatch(session, partial(received.append, session))
    await dispatcher.wait_for("abc", within=PATIENCE)
    assert received == ["a", "b", "c"]
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert received[3:] == ["slow"]


async def test_at_most_as_many_run_at_once_as_there_are_threads(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    received: list[str] = []
    for session in "ab":
        await block_on(dispatcher, session, gate)
    dispatcher.dispatch("c", lambda: received.append("c"))
    await dispatcher.wait_for("c", within=0.01)
    assert received == []
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert received == ["c"]


async def test_waiting_sessions_take_turns(
    dispatcher: SignalDispatcher, gate: threading.Event
) -> None:
    """A session with many signals does not delay the others."""
    received: list[str] = []
    for session in "ab":
        await block_on(dispatcher, session, gate)
    for session in ("many", "many", "many", "one"):
        dispatcher.dispatch(session, partial(received.append, session))
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    assert received.index("one") < 3


@pytest.mark.parametrize("bound", ["MAX_QUEUED", "MAX_QUEUED_PER_SESSION"])
async def test_beyond_the_bounds_signals_are_dropped_and_that_is_logged_once(
    dispatcher: SignalDispatcher,
    gate: threading.Event,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
) -> None:
    monkeypatch.setattr(module, bound, 3)
    received: list[int] = []
    await block_on(dispatcher, "a", gate)
    for number in range(5):
        dispatcher.dispatch("a", partial(received.append, number))
    dispatcher.dispatch("b", partial(received.append, 9))
    gate.set()
    await dispatcher.settle(within=PATIENCE)
    of_others = [9] if bound == "MAX_QUEUED_PER_SESSION" else []
    assert sorted(received) == [0, 1, *of_others]
    assert caplog.messages == [
        "too many signals wait for their receivers; the next ones are dropped",
        f"signals reach their receivers again; {6 - len(received)} were dropped",
    ]
    dispatcher.dispatch("a", partial(received.append, 10))
    await dispatcher.settle(within=PATIENCE)
    assert received[-1] == 10
    assert dispatcher.counters == SignalCounters(sent=1 + len(received), dropped=7 - len(received))


@pytest.mark.parametrize("failure", [ZeroDivisionError, SystemExit])
async def test_a_failure_is_logged_and_the_next_signal_follows(
    dispatcher: SignalDispatcher, caplog: pytest.LogCaptureFixture, failure: type[BaseException]
) -> None:
    received: list[int] = []

    def fail() -> None:
        raise failure

    dispatcher.dispatch("a", fail)
    dispatcher.dispatch("a", lambda: received.append(1))
    await dispatcher.settle(within=PATIENCE)
    assert received == [1]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_waiting_for_no_signal_takes_no_time(dispatcher: SignalDispatcher) -> None:
    await dispatcher.wait_for(["a"], within=0.0)
    await dispatcher.settle(within=0.0)


async def test_after_the_end_of_the_threads_signals_are_ignored() -> None:
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

    async def wait_too_short() -> None:
        await block_on(dispatcher, "a", gate)
        ended.append(dispatcher._queues["a"].done.done)
        await dispatcher.settle(within=0.01)

    asyncio.run(wait_too_short())
    gate.set()
    threads._executor.shutdown(wait=True)
    assert (ended[0](), caplog.messages) == (True, [])
