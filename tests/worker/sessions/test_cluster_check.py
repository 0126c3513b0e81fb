"""The warning when workers share a store but have no common channel layer."""

import pytest

from realtime.worker.sessions import cluster_check as module
from realtime.worker.sessions.cluster_check import ClusterCheck

from ..fakes import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def update(check: ClusterCheck, clock: Clock, workers: int, *, seconds: int) -> None:
    for _ in range(seconds):
        clock.turn(1.0)
        check.update(workers)


def test_other_workers_that_stay_are_warned_of_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    check = ClusterCheck(lease=15.0, leaves_process=False)
    update(check, clock, 1, seconds=60)
    update(check, clock, 3, seconds=15)
    assert caplog.messages == []
    update(check, clock, 3, seconds=60)
    (warning,) = caplog.messages
    assert warning.startswith("3 workers share this registry")


def test_the_lease_of_a_killed_predecessor_is_no_other_worker(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    check = ClusterCheck(lease=15.0, leaves_process=False)
    for _ in range(5):  # restarted again and again; each lease ends in time
        update(check, clock, 2, seconds=14)
        update(check, clock, 1, seconds=1)
    assert caplog.messages == []


def test_with_a_common_channel_layer_there_is_no_warning(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    update(ClusterCheck(lease=15.0, leaves_process=True), clock, 3, seconds=60)
    assert caplog.messages == []
