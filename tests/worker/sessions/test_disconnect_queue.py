"""The disconnect queue: reports until it has succeeded; goodbyes do not wait for long."""

import asyncio
import time
from typing import Any, cast

import pytest

from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, Store
from realtime.store.database.transaction import Database
from realtime.store.records import Departure, Session, SessionUpdate, Totals
from realtime.worker.sessions import disconnect_queue as module
from realtime.worker.sessions.disconnect_queue import DisconnectQueue, PendingDisconnect
from tests.polling import eventually_in_loop

from ..fakes import FlakyStore, record, settled


class RecordingStore:
    """Records the disconnects that are reported to it."""

    def __init__(self) -> None:
        self.suspended: list[list[str]] = []
        self.closed: list[list[str]] = []
        self.confirmed: list[list[str]] = []

    async def suspend(self, worker: str, departures: list[Departure]) -> tuple[Session, ...]:
        self.suspended.append([each.update.session for each in departures])
        return ()

    async def close(
        self, worker: str, departures: list[Departure], claimant: str
    ) -> tuple[Session, ...]:
        self.closed.append([each.update.session for each in departures])
        return tuple(record(each.update.session) for each in departures)

    async def confirm(self, sessions: list[str]) -> None:
        self.confirmed.append(sessions)


class FakeSweeper(Sweeper):
    """A sweeper without a database."""

    def __init__(self, store: Any) -> None:
        unused: Any = None
        history = History(Database("default"), days=1)
        super().__init__(store, history, unused, unused, claimant="w1")

    async def finish(self, claimed: Any) -> int:
        await self._store.confirm([session.id for session in claimed])
        return len(claimed)


class QueueHarness:
    """A disconnect queue with a store that can fail; ``goodbyes`` has the sessions that got one."""

    def __init__(self) -> None:
        self.recorded = RecordingStore()
        self.flaky_store = FlakyStore(self.recorded)
        store = cast(Store, self.flaky_store)
        self.sweeper = FakeSweeper(store)
        self.queue = DisconnectQueue(
            store, self.sweeper, SignalDispatcher(cast(Threads, None)), worker="w1", retry=0.001
        )
        self.goodbyes: list[str] = []

    def leave(self, id_: str, *, ends_session: bool = False, generation: int = 1) -> None:
        update = SessionUpdate(id_, generation, None, 0, "visible", Totals())
        departure = Departure(update, 4500 if ends_session else 4002, "")

        def goodbye() -> None:
            if id_ not in self.goodbyes:
                self.goodbyes.append(id_)

        self.queue.add(PendingDisconnect(departure, ends_session=ends_session, goodbye=goodbye))

    async def settle(self) -> None:
        await self.queue.settle(10.0)
        await self.sweeper.settle(10.0)


@pytest.fixture
async def harness() -> Any:
    harness = QueueHarness()
    yield harness
    await harness.queue.stop()


async def test_the_report_comes_before_the_goodbye(harness: QueueHarness) -> None:
    held = harness.flaky_store.held["suspend"] = asyncio.Event()
    harness.leave("a")
    await eventually_in_loop(lambda: harness.recorded.suspended)
    await settled()
    assert harness.goodbyes == []
    held.set()
    await harness.settle()
    assert harness.goodbyes == ["a"]


async def test_disconnects_of_one_turn_share_a_batch(harness: QueueHarness) -> None:
    for id_ in "abc":
        harness.leave(id_)
    await harness.settle()
    assert harness.recorded.suspended == [["a", "b", "c"]]


async def test_suspended_and_closed_sessions_are_reported_apart(harness: QueueHarness) -> None:
    harness.leave("a")
    harness.leave("b", ends_session=True)
    await harness.settle()
    assert (harness.recorded.suspended, harness.recorded.closed) == ([["a"]], [["b"]])
    assert harness.recorded.confirmed == [["b"]]


async def test_a_close_that_fails_does_not_suspend_the_others_again(harness: QueueHarness) -> None:
    """A repeat would send ``session_suspended`` a second time."""
    gate = harness.flaky_store.held["suspend"] = asyncio.Event()
    harness.leave("a")
    harness.leave("b", ends_session=True)
    await eventually_in_loop(lambda: harness.recorded.suspended)
    harness.flaky_store.down = True
    gate.set()
    await eventually_in_loop(lambda: len(harness.flaky_store.called("close")) > 1)
    harness.flaky_store.down = False
    await harness.settle()
    assert (harness.recorded.suspended, harness.recorded.closed) == ([["a"]], [["b"]])
    assert len(harness.flaky_store.called("suspend")) == 1


async def test_during_an_outage_goodbyes_are_sent_and_the_report_comes_later(
    harness: QueueHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.flaky_store.down = True
    harness.leave("a")
    await eventually_in_loop(lambda: harness.goodbyes == ["a"])
    assert (len(harness.queue), harness.recorded.suspended) == (1, [])
    await eventually_in_loop(lambda: len(harness.flaky_store.called("suspend")) > 2)
    harness.flaky_store.down = False
    await harness.settle()
    assert (len(harness.queue), harness.recorded.suspended) == (0, [["a"]])
    assert caplog.messages[0] == "reporting disconnects fails again and again: down"
    assert caplog.messages[1].startswith("reporting disconnects works again")


async def test_after_a_failed_batch_all_that_wait_get_their_goodbye(harness: QueueHarness) -> None:
    harness.flaky_store.down = True
    for number in range(BATCH + 1):
        harness.leave(f"s{number}")
    await eventually_in_loop(lambda: len(harness.goodbyes) == BATCH + 1)
    assert len(harness.flaky_store.called("suspend")) == 1


async def test_a_batch_is_bounded(harness: QueueHarness) -> None:
    for number in range(2 * BATCH + 1):
        harness.leave(f"s{number}")
    await harness.settle()
    assert [len(batch) for batch in harness.recorded.suspended] == [BATCH, BATCH, 1]


async def test_a_disconnect_during_a_report_is_in_the_next_batch(harness: QueueHarness) -> None:
    held = harness.flaky_store.held["suspend"] = asyncio.Event()
    harness.leave("a")
    await eventually_in_loop(lambda: harness.recorded.suspended)
    harness.leave("b")
    held.set()
    await harness.settle()
    assert harness.recorded.suspended == [["a"], ["b"]]


async def test_an_empty_queue_starts_again_with_the_next_disconnect(harness: QueueHarness) -> None:
    harness.leave("a")
    await harness.settle()
    harness.leave("b")
    await harness.settle()
    assert harness.recorded.suspended == [["a"], ["b"]]


async def test_two_generations_of_a_session_are_two_disconnects(harness: QueueHarness) -> None:
    harness.leave("a")
    harness.leave("a", generation=2)
    await harness.settle()
    assert harness.recorded.suspended == [["a", "a"]]


async def test_at_the_bound_the_oldest_is_dropped_with_a_goodbye(
    harness: QueueHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    for id_ in "abc":
        harness.leave(id_)
    assert (len(harness.queue), harness.goodbyes) == (2, ["a"])
    assert caplog.messages == ["too many disconnects wait for the store; the oldest are dropped"]
    harness.leave("d")
    assert (len(harness.queue), harness.goodbyes) == (2, ["a", "b"])
    assert len(caplog.messages) == 1
    await harness.settle()
    assert harness.recorded.suspended == [["c", "d"]]
    for id_ in "efg":
        harness.leave(id_)
    assert len(caplog.messages) == 2


async def test_the_time_in_the_queue_counts_as_idle() -> None:
    update = SessionUpdate("a", 1, None, 0, "visible", Totals(), idle_ms=500)
    waiting = PendingDisconnect(
        Departure(update, 4002, ""),
        ends_session=False,
        goodbye=lambda: None,
        left_at=time.monotonic() - 20.0,
    )
    assert 20_500 <= waiting.as_of_now().update.idle_ms < 80_500


async def test_on_hold_nothing_is_reported(harness: QueueHarness) -> None:
    harness.queue.hold()
    harness.leave("a")
    await settled()
    assert (harness.recorded.suspended, harness.goodbyes) == ([], [])
    harness.queue.send_goodbyes()
    assert harness.goodbyes == ["a"]
    harness.queue.release()
    await harness.settle()
    assert harness.recorded.suspended == [["a"]]


async def test_settling_is_bounded(harness: QueueHarness) -> None:
    harness.flaky_store.held["suspend"] = asyncio.Event()
    harness.leave("a")
    await harness.queue.settle(0.0)
    assert len(harness.queue) == 1


async def test_an_empty_queue_settles_and_stops_at_once() -> None:
    harness = QueueHarness()
    await harness.settle()
    await harness.queue.stop()
    assert len(harness.queue) == 0
