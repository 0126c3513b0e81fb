"""Periodic jobs, on a clock that the tests turn."""

import asyncio
import math

import pytest

from realtime.store.contract import StoreUnavailable
from realtime.worker.sessions.jobs import Job

from ..fakes import settled


class Work:
    """Counts its runs and waits in each for ``done``."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.done = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.runs += 1
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error


def is_running(job: Job) -> bool:
    return job.running


@pytest.fixture
async def work() -> Work:
    return Work()


@pytest.fixture
async def job(work: Work) -> Job:
    job = Job("work", 1.0, work)
    job.schedule(100.0)
    return job


async def test_it_starts_when_it_is_due(work: Work, job: Job) -> None:
    work.done.set()
    job.tick(100.9)
    await settled()
    assert (work.runs, job.due) == (0, 101.0)
    job.tick(101.0)
    await settled()
    assert (work.runs, job.due) == (1, 102.0)


async def test_a_late_tick_does_not_shift_the_next_turn(work: Work, job: Job) -> None:
    work.done.set()
    job.tick(101.2)
    await settled()
    job.tick(102.2)
    await settled()
    assert (work.runs, job.due) == (2, 103.0)


async def test_missed_turns_are_skipped(work: Work, job: Job) -> None:
    work.done.set()
    job.tick(200.0)
    await settled()
    assert (work.runs, job.due) == (1, 200.0)
    job.tick(200.0)
    await settled()
    assert (work.runs, job.due) == (2, 201.0)


async def test_it_is_skipped_while_it_runs(work: Work, job: Job) -> None:
    job.tick(101.0)
    await settled()
    assert is_running(job)
    for now in range(102, 110):
        job.tick(now)
    await settled()
    assert work.runs == 1
    work.done.set()
    await settled()
    assert not is_running(job)
    job.tick(110.0)
    await settled()
    assert work.runs == 2
    await job.stop()


async def test_soon_means_at_the_next_tick(work: Work, job: Job) -> None:
    work.done.set()
    job.schedule(100.3, soon=True)
    job.tick(100.3)
    await settled()
    assert work.runs == 1
    assert job.due == pytest.approx(101.3)


async def test_soon_while_it_runs_means_right_after(work: Work, job: Job) -> None:
    job.tick(101.0)
    await settled()
    job.schedule(101.1, soon=True)
    work.done.set()
    await settled()
    job.tick(101.2)
    await settled()
    assert work.runs == 2


async def test_soon_does_not_start_a_job_that_never_runs(work: Work) -> None:
    job = Job("work", 0, work)
    job.schedule(100.0, soon=True)
    assert job.due == math.inf


async def test_an_interval_of_zero_means_never(work: Work) -> None:
    job = Job("never", 0, work)
    job.schedule(100.0)
    job.tick(1e9)
    await settled()
    assert (work.runs, job.due) == (0, math.inf)


async def turns(job: Job, work: Work, error: Exception | None, *times: float) -> None:
    """Tick the job at these times; each run raises ``error``, if given."""
    work.error = error
    work.done.set()
    for now in times:
        job.tick(now)
        await settled()


async def test_a_lasting_outage_is_retried_and_logged_once(
    work: Work, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    await turns(job, work, StoreUnavailable("down"), 101.0)
    assert caplog.text == ""
    await turns(job, work, StoreUnavailable("down"), 102.0, 103.0)
    assert caplog.messages == ["work fails again and again: down"]
    await turns(job, work, None, 104.0, 105.0)
    assert caplog.messages[1:] == ["work works again, after 3 failures"]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert work.runs == 5


async def test_a_reported_outage_is_not_logged_again(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job("work", 1.0, work, reported=lambda: True)
    job.schedule(100.0)
    await turns(job, work, StoreUnavailable("down"), 101.0, 102.0, 103.0)
    await turns(job, work, None, 104.0)
    assert caplog.text == ""


async def test_a_defect_is_retried_and_logged_once_with_its_traceback(
    work: Work, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    await turns(job, work, ZeroDivisionError("a defect"), 101.0, 102.0)
    assert work.runs == 2
    assert caplog.text.count("work failed") == caplog.text.count("Traceback") == 1
    await turns(job, work, None, 103.0)
    assert caplog.messages[1:] == ["work works again, after 2 failures"]


@pytest.mark.parametrize(("interval", "expected"), [(60.0, 165.0), (1.0, 160.0), (0.0, math.inf)])
async def test_a_failed_run_is_repeated_soon(work: Work, interval: float, expected: float) -> None:
    job = Job("work", interval, work)
    job.schedule(100.0)
    await turns(job, work, StoreUnavailable("down"), 160.0)
    assert job.due == expected


async def test_stop_cancels_and_waits(work: Work, job: Job) -> None:
    job.tick(101.0)
    await settled()
    await job.stop()
    assert (work.cancelled, job.running, job.due) == (1, False, math.inf)


async def test_a_job_that_never_ran_can_be_stopped(job: Job) -> None:
    await job.stop()
    assert job.due == math.inf
