"""The ticker, with time turned by hand."""

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


class Hearts:
    """Some sessions, and who was asked when."""

    def __init__(self) -> None:
        self.sessions: list[ConnectedSession] = []
        self.asked: list[tuple[str, float]] = []

    def beat(self, session: ConnectedSession, now: float) -> None:
        self.asked.append((session.id, now))
        session.tick(now)

    def add(self, id_: str, first_ping: float) -> ConnectedSession:
        session = live(id_, now=100.0, first_ping=first_ping - 100.0)
        self.sessions.append(session)
        return session


@pytest.fixture
async def hearts() -> Hearts:
    return Hearts()


GRAIN = 0.020


def make(hearts: Hearts, *jobs: Job, beat: Callable[..., None] | None = None) -> Ticker:
    return Ticker(
        jobs,
        tick_session=beat or hearts.beat,
        sessions=lambda: hearts.sessions,
        max_delay=5.0,
        grain=GRAIN,
    )


def watch(ticker: Ticker, hearts: Hearts, **first_pings: float) -> None:
    for id_, first_ping in first_pings.items():
        ticker.watch(hearts.add(id_, first_ping))


async def test_only_the_due_are_asked(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0, b=102.0, c=200.0)
    ticker.tick(100.9)
    ticker.tick(101.0)
    ticker.tick(102.0)
    assert hearts.asked == [("a", 101.0), ("b", 102.0)]


async def test_all_that_is_due_is_asked_in_one_tick_in_order(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, b=101.2, a=101.1, c=101.3)
    ticker.tick(101.5)
    assert [id_ for id_, _ in hearts.asked] == ["a", "b", "c"]


async def test_the_next_beat_follows_from_the_last(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0)
    ticker.tick(101.0)
    hearts.sessions[0].heartbeat.pong(1, 101.1)
    ticker.tick(125.9)
    ticker.tick(126.0)
    assert [now for _, now in hearts.asked] == [101.0, 126.0]


async def test_a_deadline_that_has_moved_on_is_found_out(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0)
    ticker.tick(101.0)  # the pong is due at 111
    hearts.sessions[0].heartbeat.pong(1, 105.0)
    ticker.tick(111.0)
    assert len(hearts.asked) == 1
    ticker.tick(126.0)
    assert len(hearts.asked) == 2


async def test_who_has_departed_is_forgotten(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0)
    hearts.sessions[0].departed = True
    ticker.tick(101.0)
    assert hearts.asked == []
    assert ticker._heap == []


async def test_who_departs_in_the_beat_is_forgotten(hearts: Hearts) -> None:
    def last(session: ConnectedSession, now: float) -> None:
        session.departed = True

    ticker = make(hearts, beat=last)
    watch(ticker, hearts, a=101.0)
    ticker.tick(101.0)
    assert ticker._heap == []


async def test_who_has_departed_takes_no_room_until_its_turn(hearts: Hearts) -> None:
    """25 s of reconnects would be 25 s of dead transports."""
    ticker = make(hearts)
    watch(ticker, hearts, a=200.0)
    departed = ref(hearts.sessions.pop())
    gc.collect()
    assert departed() is None
    ticker.tick(200.0)
    assert (ticker._heap, hearts.asked) == ([], [])


async def test_each_session_stands_in_the_heap_once(hearts: Hearts) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0, b=102.0)
    for now in range(100, 160):
        ticker.tick(float(now))
    assert len(ticker._heap) == 2


# ---------------------------------------------------------------- when to tick again


@pytest.mark.parametrize(
    ("pong_timeout", "grain"), [(0.5, 0.02), (5.0, 0.05), (10.0, 0.1), (60, 0.1)]
)
def test_the_grain_is_small_beside_what_is_judged(pong_timeout: float, grain: float) -> None:
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
async def test_it_sleeps_until_the_next_is_due_in_grains(
    hearts: Hearts, due: float, wake: float
) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=due)
    assert ticker.tick(100.0) - 100.0 == pytest.approx(wake, abs=1e-6)


async def test_with_nothing_to_do_it_sleeps_longest(hearts: Hearts) -> None:
    assert make(hearts).tick(100.0) == 100.0 + LONGEST_SLEEP


async def test_a_job_wakes_it_too(hearts: Hearts) -> None:
    job = Job("work", 0.1, settled)
    job.schedule(100.0)
    ticker = make(hearts, job)
    assert ticker.tick(100.0) == pytest.approx(100.1)
    await job.stop()


async def test_a_job_that_runs_wakes_nobody(hearts: Hearts) -> None:
    job = Job("work", 0.01, asyncio.Event().wait)
    job.schedule(99.0)
    ticker = make(hearts, job)
    assert ticker.tick(100.0) == 100.0 + LONGEST_SLEEP
    await settled()
    assert ticker.tick(101.0) == 101.0 + LONGEST_SLEEP
    await job.stop()


async def test_what_is_overdue_waits_for_one_grain(hearts: Hearts) -> None:
    job = Job("work", 10.0, settled)
    job.due = -math.inf
    job._task = asyncio.create_task(settled())
    await settled()
    ticker = make(hearts, job)
    watch(ticker, hearts, a=100.0)
    assert ticker._next_wake(100.5) == pytest.approx(100.5 + GRAIN)
    await job.stop()


# ---------------------------------------------------------------- a standstill


async def test_a_standstill_is_nobody_s_silence(
    hearts: Hearts, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0)
    ticker._expected = ticker.tick(101.0)  # pinged; the pong is due at 111
    ticker._expected = ticker.tick(141.0)
    assert hearts.sessions[0].heartbeat.missed == 0
    assert "stood still for 39.8 s" in caplog.text
    late = ticker._expected - 141.0 + 111.0 + 39.75
    ticker._expected = 150.0
    ticker.tick(late)
    assert hearts.sessions[0].heartbeat.missed == 1


async def test_a_little_lateness_is_no_standstill(
    hearts: Hearts, caplog: pytest.LogCaptureFixture
) -> None:
    ticker = make(hearts)
    watch(ticker, hearts, a=101.0)
    ticker._expected = 101.0
    ticker.tick(106.0)
    assert hearts.asked == [("a", 106.0)]
    assert "stood still" not in caplog.text


# ---------------------------------------------------------------- running


async def test_it_ticks_until_it_is_stopped(hearts: Hearts) -> None:
    ran = asyncio.Event()
    job = Job("work", 0.001, lambda: _set(ran))
    ticker = make(hearts, job)
    began = ticker.last_tick
    ticker.start()
    await eventually_in_loop(ran.is_set)
    await ticker.stop()
    assert ticker.last_tick > began
    assert not job.running
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("realtime")]


async def _set(event: asyncio.Event) -> None:
    event.set()


async def test_a_failing_beat_does_not_stop_the_others(
    hearts: Hearts, caplog: pytest.LogCaptureFixture
) -> None:
    def beat(session: ConnectedSession, now: float) -> None:
        if session.id == "bad":
            raise ZeroDivisionError("a defect")
        hearts.beat(session, now)

    ran = asyncio.Event()
    ticker = make(hearts, Job("work", 0.001, lambda: _set(ran)), beat=beat)
    watch(ticker, hearts, bad=99.0, good=99.5)  # long ago for the clock it runs by
    caplog.set_level(logging.CRITICAL, "realtime.worker")
    ticker.start()
    await eventually_in_loop(lambda: hearts.asked and ran.is_set())
    await ticker.stop()
    assert hearts.asked[0][0] == "good"


async def test_a_beat_that_failed_is_tried_again(hearts: Hearts) -> None:
    failures = [ZeroDivisionError("a defect")]

    def beat(session: ConnectedSession, now: float) -> None:
        if failures:
            raise failures.pop()
        hearts.beat(session, now)

    ticker = make(hearts, beat=beat)
    watch(ticker, hearts, a=101.0)
    ticker.tick(101.0)
    ticker.tick(101.0 + LONGEST_SLEEP)
    assert hearts.asked == [("a", 101.0 + LONGEST_SLEEP)]


async def test_stop_before_start_is_nothing(hearts: Hearts) -> None:
    job: Any = Job("work", 1.0, settled)
    await make(hearts, job).stop()
    assert job.due == math.inf


async def test_a_ping_is_what_a_beat_sends(hearts: Hearts) -> None:
    assert hearts.add("a", 101.0).tick(101.0) == SendPing(sequence=1, missed=0)
