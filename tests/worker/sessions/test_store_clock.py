"""Steps of the store's clock."""

import pytest

from realtime.worker.sessions import store_clock as module
from realtime.worker.sessions.store_clock import StoreClock

from ..conftest import WorkerHarness
from ..fakes import Clock, FakeTransport

EPOCH = 1_790_000_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_passing_time_and_small_corrections_are_no_step(clock: Clock) -> None:
    store_clock = StoreClock(tolerance=15.0)
    assert not store_clock.was_set(EPOCH)
    clock.now += 7200
    assert not store_clock.was_set(EPOCH + 7_200_000)
    assert not store_clock.was_set(EPOCH + 7_200_000 - 14_000)  # as NTP does


@pytest.mark.parametrize(("step", "way"), [(7_200_000, "forward"), (-7_200_000, "back")])
def test_a_step_is_logged_once(
    clock: Clock, step: int, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    store_clock = StoreClock(tolerance=15.0)
    store_clock.was_set(EPOCH)
    clock.now += 1
    assert store_clock.was_set(EPOCH + 1_000 + step)
    clock.now += 1
    assert not store_clock.was_set(EPOCH + 2_000 + step)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the store's clock has gone {way} by 7200 s")


@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
async def test_for_a_lease_after_a_step_no_session_is_suspended(
    harness: WorkerHarness, seconds: float
) -> None:
    other = harness.other("w2")
    for each in (harness, other):
        await each.admit(FakeTransport())
        await each.beats.flush()
    assert harness.beats.may_sweep
    harness.store.blocking.database.clock_offset = seconds
    for _ in range(3):  # the other worker has yet to beat
        await harness.beats.flush()
        assert not harness.beats.may_sweep
    assert (await harness.store.stats()).suspended == 0
