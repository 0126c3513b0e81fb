"""Re-registration: a store that has lost its content gets the sessions of its workers back."""

import asyncio
import gc
import time
from typing import Any, cast

import pytest

from realtime.models import LiveSession, Registry
from realtime.models import Worker as WorkerRow
from realtime.protocol.messages import ClientPong
from realtime.store.contract import BATCH, Store, StoreUnavailable
from realtime.store.records import (
    BeatAnswer,
    LossReason,
    LostSession,
    Registration,
    Session,
    SessionState,
)
from realtime.worker.sessions import beats as beats_module
from realtime.worker.sessions import reregistration as module
from realtime.worker.sessions.reregistration import Reregistration
from tests.polling import eventually_in_loop

from ..conftest import WorkerHarness
from ..fakes import (
    Clock,
    FakeTransport,
    FlakyStore,
    connect,
    connected,
    record,
    settled,
)

CONNECTED, SUSPENDED = SessionState.CONNECTED, SessionState.SUSPENDED


async def empty(harness: WorkerHarness) -> None:
    """Delete all that FLUSHALL would delete."""

    def delete() -> None:
        for model in (LiveSession, WorkerRow, Registry):
            model.objects.all().delete()

    await harness.threads.run(delete)


async def known(harness: WorkerHarness, id_: str) -> Session:
    session = await harness.store.get(id_)
    assert session is not None
    return session


def registered(harness: WorkerHarness) -> list[list[str]]:
    """The sessions of every call."""
    calls = harness.flaky_store.called("register")
    return [[each.session.id for each in registrations] for _, registrations in calls]


# ---------------------------------------------------------------- an emptied store


async def test_all_sessions_are_registered_with_an_emptied_store(harness: WorkerHarness) -> None:
    transports = [FakeTransport() for _ in range(3)]
    sessions = [await harness.admit(transport) for transport in transports]
    harness.hub.tick(sessions[0], sessions[0].heartbeat.due)
    harness.hub.receive(sessions[0], ClientPong(sequence=1))
    before = await known(harness, sessions[0].id)
    await empty(harness)
    await harness.beats.flush()
    after = await known(harness, sessions[0].id)
    assert (after.state, after.worker, after.generation) == (CONNECTED, "w1", 1)
    assert (after.opened_at, after.peer) == (before.opened_at, before.peer)
    assert after.totals == sessions[0].totals
    await harness.beats.flush()
    assert sorted(registered(harness)[0]) == sorted(session.id for session in sessions)
    assert len(registered(harness)) == 1
    assert [transport.types for transport in transports[1:]] == [["welcome"]] * 2
    assert (await harness.store.stats()).connected == 3


async def test_a_registered_session_can_be_resumed_with_its_token(harness: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    before = await harness.admit(first)
    await empty(harness)
    await harness.beats.flush()
    harness.hub.on_disconnect(before, 1006)
    await harness.settle()
    after = await harness.admit(second, resume=first.messages[0])
    assert second.messages[0]["resumed"] is True
    assert (after.id, after.record.generation) == (before.id, 2)
    assert after.record.opened_at == before.record.opened_at


async def test_with_the_same_incarnation_nothing_is_registered(harness: WorkerHarness) -> None:
    await harness.admit(FakeTransport())
    for _ in range(3):
        await harness.beats.flush()
    assert registered(harness) == []


async def test_after_an_outage_without_a_loss_nothing_is_registered(harness: WorkerHarness) -> None:
    await harness.admit(FakeTransport())
    harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.beats.flush()
    harness.flaky_store.down = False
    await harness.beats.flush()
    assert registered(harness) == []


async def test_each_worker_registers_its_own_sessions(harness: WorkerHarness) -> None:
    other = harness.other("w2")
    await other.beats.flush()
    mine, yours = await harness.admit(FakeTransport()), await other.admit(FakeTransport())
    await empty(harness)
    await harness.beats.flush()
    await other.beats.flush()
    assert [(await known(harness, s.id)).worker for s in (mine, yours)] == ["w1", "w2"]
    for each in (harness, other):
        await each.beats.flush()
    assert not mine.departed
    assert not yours.departed
    assert (registered(harness), registered(other)) == ([[mine.id]], [[yours.id]])


async def test_after_another_incarnation_it_sweeps_only_a_lease_later(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may have an old state, which the other workers need time to correct."""
    clock = Clock()
    monkeypatch.setattr(beats_module, "time", clock)
    await empty(harness)
    may_sweep = []
    for seconds in (0, 5, 5, 4.75, 0.25):
        clock.turn(seconds)
        await harness.beats.flush()
        may_sweep.append(harness.beats.may_sweep)
    assert may_sweep == [False, False, False, False, True]


# ---------------------------------------------------------------- disconnects meanwhile


async def test_a_pending_disconnect_is_registered_first_and_reported_then(
    harness: WorkerHarness,
) -> None:
    """Otherwise its end would have no effect, and no row in the history."""
    transports = [FakeTransport(), FakeTransport()]
    suspended, closed = [await harness.admit(transport) for transport in transports]
    harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.beats.flush()
    harness.hub.on_disconnect(suspended, 1006)
    harness.hub.end(closed, 4500, "out")
    await settled()
    await empty(harness)
    harness.flaky_store.down = False
    await harness.beats.flush()
    await harness.settle()
    assert (await known(harness, suspended.id)).state is SUSPENDED
    assert [row.session for row in await harness.history()] == [closed.id]
    again = await harness.admit(FakeTransport(), resume=transports[0].messages[0])
    assert again.id == suspended.id


async def test_during_an_outage_goodbyes_are_sent(harness: WorkerHarness) -> None:
    transport = FakeTransport()
    session = await harness.admit(transport)
    harness.flaky_store.down = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await harness.beats.flush()
        harness.hub.end(session, 4002)
    assert transport.closed is None
    with pytest.raises(StoreUnavailable):
        await harness.beats.flush()
    await eventually_in_loop(lambda: transport.closed == 4002)
    assert harness.flaky_store.called("suspend") == []


async def test_a_disconnect_waits_until_all_sessions_are_registered(harness: WorkerHarness) -> None:
    session = await harness.admit(FakeTransport())
    await empty(harness)
    held = harness.flaky_store.held["register"] = asyncio.Event()
    beat = asyncio.create_task(harness.beats.flush())
    await eventually_in_loop(lambda: harness.flaky_store.called("register"))
    harness.hub.on_disconnect(session, 1006)
    await settled()
    assert harness.flaky_store.called("suspend") == []
    held.set()
    await beat
    await harness.settle()
    assert (await known(harness, session.id)).state is SUSPENDED


async def test_a_session_with_a_disconnect_in_flight_is_not_registered(
    harness: WorkerHarness,
) -> None:
    """The store may handle the disconnect first; the session would then stay for ever."""
    session = await harness.admit(FakeTransport())
    held = harness.flaky_store.held["suspend"] = asyncio.Event()
    harness.hub.on_disconnect(session, 1006)
    await eventually_in_loop(lambda: harness.flaky_store.called("suspend"))
    await empty(harness)
    await harness.beats.flush()
    assert registered(harness) == []
    held.set()
    await harness.settle()
    assert (await harness.store.stats()).connected == 0


async def test_a_connection_that_was_refused_is_not_registered(harness: WorkerHarness) -> None:
    harness.flaky_store.down = True
    with pytest.raises(StoreUnavailable):
        await harness.admit(FakeTransport())
    with pytest.raises(StoreUnavailable):
        await harness.beats.flush()
    await empty(harness)
    harness.flaky_store.down = False
    await harness.beats.flush()
    await harness.settle()
    assert registered(harness) == []


# ---------------------------------------------------------------- batches, failures, losses


class Forgetful:
    """A store whose incarnation and answers a test sets."""

    def __init__(self) -> None:
        self.incarnation = "one"
        self.lost: tuple[LostSession, ...] = ()
        self.lost_when_registered: tuple[LostSession, ...] = ()

    async def own(self) -> None:
        """Accepts any owner."""

    async def beat(self, *_: object, **__: object) -> BeatAnswer:
        lost, self.lost = self.lost, ()
        return BeatAnswer(True, 1, 1, self.incarnation, lost=lost)

    async def register(self, worker: str, batch: list[Registration]) -> tuple[LostSession, ...]:
        await asyncio.sleep(0)
        return self.lost_when_registered


@pytest.fixture
async def forgetful(harness: WorkerHarness) -> Forgetful:
    """The store of the harness's beats, which knows its sessions until the incarnation changes."""
    store = Forgetful()
    harness.flaky_store = FlakyStore(store)
    harness.beats._store = harness.beats._reregistration._store = cast(Store, harness.flaky_store)
    await harness.beats.flush()
    return store


def add_sessions(harness: WorkerHarness, number: int) -> None:
    """Add connected sessions without admission."""
    for index in range(number):
        session = connected(record(f"s{index}"), connect(FakeTransport()))
        harness.hub._sessions[session.id] = session


async def test_nothing_is_registered_with_the_first_incarnation(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    assert registered(harness) == []


async def test_a_call_carries_a_bounded_batch(harness: WorkerHarness, forgetful: Forgetful) -> None:
    add_sessions(harness, 2 * BATCH + 1)
    forgetful.incarnation = "two"
    await harness.beats.flush()
    assert [len(batch) for batch in registered(harness)] == [BATCH, BATCH, 1]


async def test_a_failure_starts_the_registration_over(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(harness, BATCH + 1)
    forgetful.incarnation = "two"
    harness.flaky_store.held["register"] = held = asyncio.Event()
    beat = asyncio.create_task(harness.beats.flush())
    await eventually_in_loop(lambda: harness.flaky_store.called("register"))
    harness.flaky_store.down = True
    held.set()
    with pytest.raises(StoreUnavailable):
        await beat
    harness.flaky_store.down = False
    await harness.beats.flush()
    await harness.beats.flush()
    assert [len(batch) for batch in registered(harness)] == [BATCH, 1, BATCH, 1]


async def test_sessions_unknown_to_a_new_incarnation_are_not_dropped(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(harness, 1)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)
    await harness.beats.flush()
    assert [session.id for session in harness.hub.connected()] == ["s0"]
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)  # by now it has been registered
    await harness.beats.flush()
    assert list(harness.hub.connected()) == []


async def test_taken_over_sessions_are_dropped_in_any_incarnation(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(harness, 3)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.TAKEN_OVER),)
    forgetful.lost_when_registered = (LostSession("s1", 1, LossReason.TAKEN_OVER),)
    ends = {session.id: session.connection for session in harness.hub.connected()}
    await harness.beats.flush()
    assert [session.id for session in harness.hub.connected()] == ["s2"]
    assert [ends[id_].ended for id_ in ("s0", "s1")] == [(4506, "session continued elsewhere")] * 2


async def test_of_two_generations_only_the_newer_is_registered(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    """It was resumed here before the end of its older connection was reported."""
    harness.disconnects.hold()
    older = connected(record("s0"), connect(FakeTransport()))
    harness.hub._sessions["s0"] = older
    harness.hub.on_disconnect(older, 1006)
    harness.hub._sessions["s0"] = connected(record("s0", generation=2), connect(FakeTransport()))
    forgetful.incarnation = "two"
    await harness.beats.flush()
    ((_, registrations),) = harness.flaky_store.called("register")
    assert [each.session.generation for each in registrations] == [2]


async def test_ten_thousand_sessions_do_not_stop_the_loop(
    harness: WorkerHarness, forgetful: Forgetful
) -> None:
    """Registration takes the loop for at most 50 ms at a time, by the CPU time of this thread."""
    add_sessions(harness, 10_000)
    stretches: list[float] = []

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            stretches.append(time.thread_time() - began)

    gc.collect()
    gc.freeze()  # garbage of earlier tests is not measured here
    watching = asyncio.create_task(watch())
    forgetful.incarnation = "two"
    await harness.beats.flush()
    watching.cancel()
    gc.unfreeze()
    assert len(registered(harness)) == 20
    assert max(stretches) < 0.05


async def test_each_registration_is_built_when_it_is_taken(
    harness: WorkerHarness, forgetful: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    add_sessions(harness, BATCH + 1)
    last = list(harness.hub.connected())[-1]
    reregistration: Any = Reregistration(
        cast(Store, harness.flaky_store), harness.hub, harness.disconnects
    )
    made = reregistration._registrations()
    for _ in range(BATCH):
        next(made)
    last.departed = True
    assert list(made) == []
