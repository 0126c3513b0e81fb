"""The ticker, on a clock that the tests turn."""

import asyncio
import gc
import logging
import math
from collections.abc import Callable
from typing import Any
from weakref import ref

import pytest

from realtime.protocol.heartbeat import SendPing
from realtime.worker.sessions.jobs import Job
from realtime.worker.sessions.session import ConnectedSession
from realtime.worker.sessions.ticker import LONGEST_SLEEP, Ticker, grain_for
from tests.polling import eventually_in_loop

from ..fakes import live, settled


class FakeHub:
    """Ticks sessions and records which and when."""

    def __init__(self) -> None:
        self.sessions: list[ConnectedSession] = []
        self.ticked: list[tuple[str, float]] = []

    def tick(self, session: ConnectedSession, now: float) -> None:
        self.ticked.append((session.id, now))
        session.tick(now)

    def add(self, id_: str, first_ping: float) -> ConnectedSession:
        session = live(id_, now=100.0, first_ping=first_ping - 100.0)
        self.sessions.append(session)
        return session


@pytest.fixture
async def hub() -> FakeHub:
    return FakeHub()


GRAIN = 0.020


def make(hub: FakeHub, *jobs: Job, tick: Callable[..., None] | None = None) -> Ticker:
    return Ticker(
        jobs,
        tick_session=tick or hub.tick,
        sessions=lambda: hub.sessions,
        max_delay=5.0,
        grain=GRAIN,
    )


def watch(ticker: Ticker, hub: FakeHub, **first_pings: float) -> None:
    for id_, first_ping in first_pings.items():
        ticker.watch(hub.add(id_, first_ping))


async def test_only_due_sessions_are_ticked(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0, b=102.0, c=200.0)
    ticker.tick(100.9)
    ticker.tick(101.0)
    ticker.tick(102.0)
    assert hub.ticked == [("a", 101.0), ("b", 102.0)]


async def test_one_tick_handles_all_due_sessions_in_order(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, b=101.2, a=101.1, c=101.3)
    ticker.tick(101.5)
    assert [id_ for id_, _ in hub.ticked] == ["a", "b", "c"]


async def test_the_next_ping_is_due_an_interval_after_the_last(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0)
    ticker.tick(101.0)
    hub.sessions[0].heartbeat.pong(1, 101.1)
    ticker.tick(125.9)
    ticker.tick(126.0)
    assert [now for _, now in hub.ticked] == [101.0, 126.0]


async def test_a_session_with_a_later_deadline_is_not_ticked(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0)
    ticker.tick(101.0)  # the pong is due at 111
    hub.sessions[0].heartbeat.pong(1, 105.0)
    ticker.tick(111.0)
    assert len(hub.ticked) == 1
    ticker.tick(126.0)
    assert len(hub.ticked) == 2


async def test_departed_sessions_leave_the_heap(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0)
    hub.sessions[0].departed = True
    ticker.tick(101.0)
    assert hub.ticked == []
    assert ticker._heap == []


async def test_a_session_that_departs_in_its_tick_leaves_the_heap(hub: FakeHub) -> None:
    def last(session: ConnectedSession, now: float) -> None:
        session.departed = True

    ticker = make(hub, tick=last)
    watch(ticker, hub, a=101.0)
    ticker.tick(101.0)
    assert ticker._heap == []


async def test_the_heap_does_not_keep_departed_sessions_alive(hub: FakeHub) -> None:
    """Otherwise it would hold the transports of all reconnects of the last 25 s."""
    ticker = make(hub)
    watch(ticker, hub, a=200.0)
    departed = ref(hub.sessions.pop())
    gc.collect()
    assert departed() is None
    ticker.tick(200.0)
    assert (ticker._heap, hub.ticked) == ([], [])


async def test_each_session_is_in_the_heap_once(hub: FakeHub) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0, b=102.0)
    for now in range(100, 160):
        ticker.tick(float(now))
    assert len(ticker._heap) == 2


# ---------------------------------------------------------------- when to tick again


@pytest.mark.parametrize(
    ("pong_timeout", "grain"), [(0.5, 0.02), (5.0, 0.05), (10.0, 0.1), (60, 0.1)]
)
def test_the_grain_is_a_small_part_of_the_timeout(pong_timeout: float, grain: float) -> None:
    assert grain_for(pong_timeout) == pytest.approx(grain)


@pytest.mark.parametrize(
    ("due", "wake"),
    [
        (100.001, 0.020),
        (100.020, 0.020),
        (100.021, 0.040),
        (100.15, 0.160),
        (100.24, 0.240),
        (100.25, 0.250),
        (101.0, 0.250),
    ],
)
async def test_it_sleeps_until_the_next_deadline_in_whole_grains(
    hub: FakeHub, due: float, wake: float
) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=due)
    assert ticker.tick(100.0) - 100.0 == pytest.approx(wake, abs=1e-6)


async def test_with_nothing_due_it_sleeps_longest(hub: FakeHub) -> None:
    assert make(hub).tick(100.0) == 100.0 + LONGEST_SLEEP


async def test_a_due_job_ends_the_sleep(hub: FakeHub) -> None:
    job = Job("work", 0.1, settled)
    job.schedule(100.0)
    ticker = make(hub, job)
    assert ticker.tick(100.0) == pytest.approx(100.1)
    await job.stop()


async def test_a_running_job_does_not_shorten_the_sleep(hub: FakeHub) -> None:
    job = Job("work", 0.01, asyncio.Event().wait)
    job.schedule(99.0)
    ticker = make(hub, job)
    assert ticker.tick(100.0) == 100.0 + LONGEST_SLEEP
    await settled()
    assert ticker.tick(101.0) == 101.0 + LONGEST_SLEEP
    await job.stop()


async def test_an_overdue_session_waits_for_one_grain(hub: FakeHub) -> None:
    job = Job("work", 10.0, settled)
    job.due = -math.inf
    job._task = asyncio.create_task(settled())
    await settled()
    ticker = make(hub, job)
    watch(ticker, hub, a=100.0)
    assert ticker._next_wake(100.5) == pytest.approx(100.5 + GRAIN)
    await job.stop()


# ---------------------------------------------------------------- a standstill


async def test_a_standstill_counts_as_no_miss(
    hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0)
    ticker._expected = ticker.tick(101.0)  # pinged; the pong is due at 111
    ticker._expected = ticker.tick(141.0)
    assert hub.sessions[0].heartbeat.missed == 0
    assert "stood still for 39.8 s" in caplog.text
    late = ticker._expected - 141.0 + 111.0 + 39.75
    ticker._expected = 150.0
    ticker.tick(late)
    assert hub.sessions[0].heartbeat.missed == 1


async def test_a_little_lateness_is_no_standstill(
    hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = make(hub)
    watch(ticker, hub, a=101.0)
    ticker._expected = 101.0
    ticker.tick(106.0)
    assert hub.ticked == [("a", 106.0)]
    assert "stood still" not in caplog.text


# ---------------------------------------------------------------- running


async def test_it_ticks_until_it_is_stopped(hub: FakeHub) -> None:
    ran = asyncio.Event()
    job = Job("work", 0.001, lambda: _set(ran))
    ticker = make(hub, job)
    began = ticker.last_tick
    ticker.start()
    await eventually_in_loop(ran.is_set)
    await ticker.stop()
    assert ticker.last_tick > began
    assert not job.running
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("realtime")]


async def test_its_end_is_the_end_of_the_jobs(hub: FakeHub) -> None:
    began, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        began.set()
        await never.wait()

    job = Job("work", 0.001, hang)
    ticker = make(hub, job)
    ticker.start()
    await eventually_in_loop(began.is_set)
    await ticker.stop()
    assert not job.running


async def _set(event: asyncio.Event) -> None:
    event.set()


async def test_a_failing_tick_does_not_stop_the_others(
    hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    def tick(session: ConnectedSession, now: float) -> None:
        if session.id == "bad":
            raise ZeroDivisionError("a defect")
        hub.tick(session, now)

    ran = asyncio.Event()
    ticker = make(hub, Job("work", 0.001, lambda: _set(ran)), tick=tick)
    watch(ticker, hub, bad=99.0, good=99.5)  # long ago for the clock it runs by
    caplog.set_level(logging.CRITICAL, "realtime.worker")
    ticker.start()
    await eventually_in_loop(lambda: hub.ticked and ran.is_set())
    await ticker.stop()
    assert hub.ticked[0][0] == "good"


async def test_a_failed_tick_is_repeated(hub: FakeHub) -> None:
    failures = [ZeroDivisionError("a defect")]

    def tick(session: ConnectedSession, now: float) -> None:
        if failures:
            raise failures.pop()
        hub.tick(session, now)

    ticker = make(hub, tick=tick)
    watch(ticker, hub, a=101.0)
    ticker.tick(101.0)
    ticker.tick(101.0 + LONGEST_SLEEP)
    assert hub.ticked == [("a", 101.0 + LONGEST_SLEEP)]


async def test_it_can_be_stopped_before_it_starts(hub: FakeHub) -> None:
    job: Any = Job("work", 1.0, settled)
    await make(hub, job).stop()
    assert job.due == math.inf


async def test_a_tick_sends_a_ping(hub: FakeHub) -> None:
    assert hub.add("a", 101.0).tick(101.0) == SendPing(sequence=1, missed=0)
