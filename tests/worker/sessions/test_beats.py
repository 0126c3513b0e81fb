"""The worker's beat: updates, outages, when it may sweep, notices to clients."""

import asyncio
import logging
from typing import Any

import pytest

from realtime.protocol.messages import ClientPong, Notice, Visibility
from realtime.signals import session_suspended
from realtime.store.contract import BATCH, StoreUnavailable
from realtime.store.records import BeatAnswer, SessionState
from realtime.worker.sessions import beats as module
from realtime.worker.sessions.beats import SENDS_PER_TURN, send_to_all

from ..conftest import WorkerHarness
from ..fakes import (
    Clock,
    FakeTransport,
    FlakyStore,
    connect,
    connected,
    live,
    record,
    settled,
)


async def flush_failing(harness: WorkerHarness) -> None:
    harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.beats.flush()
    harness.flaky_store.down = False


async def state(harness: WorkerHarness, id_: str) -> SessionState:
    session = await harness.store.get(id_)
    assert session is not None
    return session.state


def may_sweep(harness: WorkerHarness) -> bool:
    return harness.beats.may_sweep


def is_healthy(harness: WorkerHarness) -> bool:
    return harness.beats.healthy


async def rooms_after_a_beat(harness: WorkerHarness, id_: str) -> tuple[str, ...]:
    await harness.beats.flush()
    session = await harness.store.get(id_)
    assert session is not None
    return session.rooms


def reported(harness: WorkerHarness) -> list[list[str]]:
    """The sessions of every beat."""
    return [
        [update.session for update in updates] for _, updates in harness.flaky_store.called("beat")
    ]


async def test_only_changed_sessions_are_reported(harness: WorkerHarness) -> None:
    changed, _ = await harness.admit(FakeTransport()), await harness.admit(FakeTransport())
    harness.hub.receive(changed, Visibility(state="hidden"))
    await harness.beats.flush()
    await harness.beats.flush()
    assert reported(harness)[1:] == [[changed.id], []]
    record = await harness.store.get(changed.id)
    assert record is not None
    assert record.visibility == "hidden"


async def test_a_beat_brings_latency_and_totals_to_the_store(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    harness.hub.tick(session, session.heartbeat.due)
    harness.hub.receive(session, ClientPong(sequence=1))
    await harness.beats.flush()
    record = await harness.store.get(session.id)
    assert record is not None
    assert (record.totals, record.latency_ms) == (session.totals, session.latency_ms)


async def test_only_the_first_beat_checks_the_owner_of_the_store(harness: WorkerHarness) -> None:
    await harness.beats.flush()
    assert [name for name, _ in harness.flaky_store.calls] == ["own", "beat", "beat"]


async def test_an_empty_beat_renews_the_lease(harness: WorkerHarness) -> None:
    await harness.beats.flush()
    assert reported(harness) == [[], []]
    assert (await harness.store.stats()).workers == 1


async def test_a_defect_in_a_beat_is_unhealthy_too(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(harness.hub, "report", lambda: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await harness.beats.flush()
            assert (is_healthy(harness), harness.beats.last_error) == (False, "division by zero")
    await harness.beats.flush()
    assert is_healthy(harness)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "reports to the store fail: division by zero"
    assert said[1].startswith("the store is back after ")
    assert len(said) == 2


async def test_after_an_outage_changed_sessions_are_reported_again(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    harness.hub.receive(session, Visibility(state="hidden"))
    await flush_failing(harness)
    assert session.changed
    await harness.beats.flush()
    assert reported(harness)[-2:] == [[session.id], [session.id]]
    record = await harness.store.get(session.id)
    assert record is not None
    assert record.visibility == "hidden"


async def test_a_change_during_a_beat_is_reported_with_the_next(
    harness: WorkerHarness,
) -> None:
    session = await harness.admit(FakeTransport())
    session.changed = True
    harness.flaky_store.held["beat"] = held = asyncio.Event()
    beat = asyncio.create_task(harness.beats.flush())
    while "beat" in harness.flaky_store.held:
        await asyncio.sleep(0)
    harness.hub.receive(session, Visibility(state="hidden"))
    held.set()
    await beat
    assert session.changed


async def test_a_beat_brings_joins_and_leaves_to_the_store(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    async with harness.rooms.prepare(["open:a"]):
        session.join("open:a", None)
    assert await rooms_after_a_beat(harness, session.id) == ("open:a", "user:1")
    session.leave("open:a")
    assert await rooms_after_a_beat(harness, session.id) == ("user:1",)


async def test_rooms_of_a_beat_that_failed_come_with_the_disconnect(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await harness.admit(FakeTransport())
    async with harness.rooms.prepare(["open:a"]):
        session.join("open:a", None)

    def disconnect_and_fail() -> None:
        harness.hub.on_disconnect(session, 1006)
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(harness.hub, "report", disconnect_and_fail)
        with pytest.raises(StoreUnavailable):
            await harness.beats.flush()
    await harness.beats.flush()
    await harness.settle()
    record = await harness.store.get(session.id)
    assert record is not None
    assert record.rooms == ("open:a", "user:1")


async def test_departed_sessions_are_not_reported(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    session.changed = True
    harness.hub.end(session, 4002)
    await harness.beats.flush()
    assert reported(harness)[-1] == []


async def test_after_a_lapsed_lease_all_sessions_are_reported_again(harness: WorkerHarness) -> None:
    sessions = [await harness.admit(FakeTransport()) for _ in range(2)]
    harness.store.blocking.database.clock_offset = 16.0
    await harness.other("w2").beats.flush()
    assert (await harness.store.stats()).suspended == 2
    await harness.beats.flush()
    assert all(session.changed for session in sessions)
    await harness.beats.flush()
    assert sorted(reported(harness)[-1]) == sorted(session.id for session in sessions)
    assert (await harness.store.stats()).connected == 2


async def test_a_beat_carries_a_bounded_batch(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quiet:
        async def own(self) -> None:
            """Accepts any owner."""

        async def beat(self, report: object, updates: object, **_: object) -> BeatAnswer:
            return BeatAnswer(renewed=True, online=1, workers=1, incarnation="")

    many = [live(f"s{number}") for number in range(BATCH + 1)]
    for session in many:
        session.changed = True
    monkeypatch.setattr(harness.hub, "connected", lambda: many)
    flaky_store: Any = FlakyStore(Quiet())
    harness.flaky_store = harness.beats._store = flaky_store
    await harness.beats.flush()
    assert [len(batch) for batch in reported(harness)] == [BATCH, 1]


# ---------------------------------------------------------------- outages


async def test_each_change_of_health_is_logged_once(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "realtime.worker")
    await flush_failing(harness)
    await flush_failing(harness)
    assert not is_healthy(harness)
    await harness.beats.flush()
    await harness.beats.flush()
    assert is_healthy(harness)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert messages[0] == "the store is unreachable: down"
    assert messages[1].startswith("the store is back after")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def test_after_an_outage_it_sweeps_only_a_lease_later(
    clock: Clock, harness: WorkerHarness
) -> None:
    assert may_sweep(harness)
    clock.turn(10)
    await flush_failing(harness)
    assert not may_sweep(harness)
    await harness.beats.flush()
    assert not may_sweep(harness)
    for seconds in (5, 5, 4.75):
        clock.turn(seconds)
        await harness.beats.flush()
        assert not may_sweep(harness)
    clock.turn(0.25)
    assert may_sweep(harness)


async def test_a_hiccup_does_not_stop_the_sweep(clock: Clock, harness: WorkerHarness) -> None:
    clock.turn(7.5)
    await flush_failing(harness)
    await harness.beats.flush()
    assert may_sweep(harness)


async def test_a_long_pause_of_this_worker_counts_as_an_outage(
    clock: Clock, harness: WorkerHarness
) -> None:
    clock.turn(60)
    await harness.beats.flush()
    assert not may_sweep(harness)


async def test_a_worker_started_during_an_outage_sweeps_only_a_lease_after_it(
    clock: Clock, harness: WorkerHarness
) -> None:
    """The outage may have begun long before this worker started."""
    other = harness.other("w2")
    await flush_failing(other)
    clock.turn(1)
    await other.beats.flush()
    assert not may_sweep(other)
    for _ in range(3):
        clock.turn(5)
        await other.beats.flush()
    assert may_sweep(other)


async def test_a_worker_started_during_an_outage_suspends_no_session(
    clock: Clock, harness: WorkerHarness
) -> None:
    session = await harness.admit(FakeTransport())
    harness.store.blocking.database.clock_offset = 16.0
    other = harness.other("w2")
    await flush_failing(other)
    await other.beats.flush()
    assert await state(harness, session.id) is SessionState.CONNECTED


async def test_the_first_worker_to_return_does_not_suspend_the_others_sessions(
    clock: Clock, harness: WorkerHarness
) -> None:
    """All leases have ended during the outage, and the workers beat again one after the other."""
    workers = [harness, harness.other("w2"), harness.other("w3")]
    sessions = [await each.admit(FakeTransport()) for each in workers]
    for each in workers[1:]:
        await each.beats.flush()
    for seconds in (0, 10, 10):
        clock.turn(seconds)
        for each in workers:
            await flush_failing(each)
    harness.store.blocking.database.clock_offset = 20.0
    for each in workers:
        assert not may_sweep(each)
        await each.beats.flush()
        clock.turn(1)
    for session in sessions:
        assert await state(harness, session.id) is SessionState.CONNECTED
        assert not session.departed
    assert not any(may_sweep(each) for each in workers)


async def test_sessions_that_cron_suspends_after_an_outage_are_reattached(
    clock: Clock, harness: WorkerHarness
) -> None:
    """A sweep by cron, which does not know of the outage, may come before the workers' beats."""
    transports = [FakeTransport(), FakeTransport()]
    other = harness.other("w2")
    await other.beats.flush()
    sessions = [await harness.admit(transports[0]), await other.admit(transports[1])]
    clock.turn(20)
    harness.store.blocking.database.clock_offset = 20.0
    swept = await harness.store.sweep("cron")
    assert (len(swept.suspended), swept.workers_lost) == (2, 2)
    for each in (harness, other):
        for _ in range(2):
            await each.beats.flush()
    for session, transport in zip(sessions, transports, strict=True):
        assert await state(harness, session.id) is SessionState.CONNECTED
        assert transport.types == ["welcome"]
    assert await harness.history() == []


async def test_after_an_outage_no_worker_is_lost_for_a_lease(
    clock: Clock, harness: WorkerHarness
) -> None:
    """The other worker's lease has ended because the store was away, not because it died."""
    other = harness.other("w2")
    await other.beats.flush()
    session = await other.admit(FakeTransport())
    harness.store.blocking.database.clock_offset = 16.0
    clock.turn(16)
    for _ in range(2):
        await harness.beats.flush()
    assert await state(harness, session.id) is SessionState.CONNECTED
    for _ in range(3):  # its time to beat again is over
        clock.turn(5)
        harness.store.blocking.database.clock_offset += 5.0
        await harness.beats.flush()
    assert await state(harness, session.id) is SessionState.SUSPENDED


async def test_after_a_pause_of_half_a_lease_no_worker_is_lost(
    clock: Clock, harness: WorkerHarness
) -> None:
    """Its own lease is valid, but what made it pause may have kept the other from beating."""
    other = harness.other("w2")
    await other.beats.flush()
    session = await other.admit(FakeTransport())
    for seconds in (7, 8.5):
        clock.turn(seconds)
        harness.store.blocking.database.clock_offset += seconds
        await harness.beats.flush()
    assert await state(harness, session.id) is SessionState.CONNECTED
    assert not may_sweep(harness)


async def test_sessions_of_a_lost_worker_are_announced(
    clock: Clock, harness: WorkerHarness
) -> None:
    names: list[str] = []

    def receiver(session: Any, **_: Any) -> None:
        names.append(session.id)

    other = harness.other("w2")
    await other.beats.flush()
    session = await other.admit(FakeTransport())
    session_suspended.connect(receiver)
    try:
        for seconds in (4.0, 8.0, 12.0, 16.0):  # this worker beats, and the other does not
            clock.turn(4)
            harness.store.blocking.database.clock_offset = seconds
            await harness.beats.flush()
        await harness.dispatcher.settle()
    finally:
        session_suspended.disconnect(receiver)
    assert names == [session.id]


# ---------------------------------------------------------------- notices to clients


async def test_each_change_of_health_is_sent_to_all_clients_once(
    harness: WorkerHarness,
) -> None:
    transports = [FakeTransport(), FakeTransport()]
    for transport in transports:
        await harness.admit(transport)
    for _ in range(2):
        await flush_failing(harness)
    for _ in range(2):
        await harness.beats.flush()
    await settled()
    for transport in transports:
        states = [message["state"] for message in transport.messages if message["type"] == "notice"]
        assert states == ["degraded", "ok"]
        assert transport.closed is None


async def test_without_a_change_clients_get_no_notice(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    await harness.admit(transport)
    await harness.beats.flush()
    await settled()
    assert transport.types == ["welcome"]


async def test_later_clients_get_no_notice_of_a_past_outage(harness: WorkerHarness) -> None:
    await flush_failing(harness)
    await harness.beats.flush()
    transport = FakeTransport()
    await harness.admit(transport)
    await settled()
    assert transport.types == ["welcome"]


async def test_sending_to_all_yields_to_the_loop() -> None:
    transports = [FakeTransport() for _ in range(2 * SENDS_PER_TURN + 1)]
    sessions = [
        connected(record(f"s{i}"), connect(transport)) for i, transport in enumerate(transports)
    ]
    sending = asyncio.create_task(send_to_all(sessions, Notice("degraded")))
    sent = []
    while not sending.done():
        await asyncio.sleep(0)
        sent.append(sum(session.connection.frames_out for session in sessions))
    assert {SENDS_PER_TURN, 2 * SENDS_PER_TURN, 2 * SENDS_PER_TURN + 1} == set(sent)
    await settled()
    assert all(transport.types == ["notice"] for transport in transports)


async def test_departed_sessions_get_no_notice() -> None:
    transport = FakeTransport()
    session = live(transport=transport)
    session.departed = True
    await send_to_all([session], Notice("degraded"))
    await settled()
    assert transport.events == []
