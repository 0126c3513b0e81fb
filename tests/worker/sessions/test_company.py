"""A warning, once, when several workers cannot hear each other."""

import pytest

from realtime.worker.sessions import company as module
from realtime.worker.sessions.company import ClusterCheck

from ..fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def live_with(company: ClusterCheck, clock: Clock, workers: int, *, seconds: int) -> None:
    for _ in range(seconds):
        clock.turn(1.0)
        company.count(workers)


def test_company_that_stays_is_warned_of_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    company = ClusterCheck(lease=15.0, heard_outside=False)
    live_with(company, clock, 1, seconds=60)
    live_with(company, clock, 3, seconds=15)
    assert caplog.messages == []
    live_with(company, clock, 3, seconds=60)
    (said,) = caplog.messages
    assert said.startswith("3 workers share this registry")


def test_a_killed_predecessor_is_no_company(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    company = ClusterCheck(lease=15.0, heard_outside=False)
    for _ in range(5):  # restarted again and again, each lease ends in time
        live_with(company, clock, 2, seconds=14)
        live_with(company, clock, 1, seconds=1)
    assert caplog.messages == []


def test_company_that_can_be_heard_is_welcome(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    live_with(ClusterCheck(lease=15.0, heard_outside=True), clock, 3, seconds=60)
    assert caplog.messages == []
