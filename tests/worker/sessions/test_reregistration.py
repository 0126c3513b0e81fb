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


async def empty(world: WorkerHarness) -> None:
    """Delete all that FLUSHALL would delete."""

    def delete() -> None:
        for model in (LiveSession, WorkerRow, Registry):
            model.objects.all().delete()

    await world.threads.run(delete)


async def known(world: WorkerHarness, id_: str) -> Session:
    session = await world.store.get(id_)
    assert session is not None
    return session


def registered(world: WorkerHarness) -> list[list[str]]:
    """The sessions of every call."""
    calls = world.fickle.called("register")
    return [[each.session.id for each in registrations] for _, registrations in calls]


# ---------------------------------------------------------------- an emptied store


async def test_all_sessions_are_registered_with_an_emptied_store(world: WorkerHarness) -> None:
    wires = [FakeTransport() for _ in range(3)]
    sessions = [await world.admit(wire) for wire in wires]
    world.hub.tick(sessions[0], sessions[0].heartbeat.due)
    world.hub.receive(sessions[0], ClientPong(sequence=1))
    before = await known(world, sessions[0].id)
    await empty(world)
    await world.beats.flush()
    after = await known(world, sessions[0].id)
    assert (after.state, after.worker, after.generation) == (CONNECTED, "w1", 1)
    assert (after.opened_at, after.peer) == (before.opened_at, before.peer)
    assert after.totals == sessions[0].totals
    await world.beats.flush()
    assert sorted(registered(world)[0]) == sorted(session.id for session in sessions)
    assert len(registered(world)) == 1
    assert [wire.types for wire in wires[1:]] == [["welcome"]] * 2
    assert (await world.store.stats()).connected == 3


async def test_a_registered_session_can_be_resumed_with_its_token(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    before = await world.admit(first)
    await empty(world)
    await world.beats.flush()
    world.hub.on_disconnect(before, 1006)
    await world.settle()
    after = await world.admit(second, resume=first.messages[0])
    assert second.messages[0]["resumed"] is True
    assert (after.id, after.record.generation) == (before.id, 2)
    assert after.record.opened_at == before.record.opened_at


async def test_with_the_same_incarnation_nothing_is_registered(world: WorkerHarness) -> None:
    await world.admit(FakeTransport())
    for _ in range(3):
        await world.beats.flush()
    assert registered(world) == []


async def test_after_an_outage_without_a_loss_nothing_is_registered(world: WorkerHarness) -> None:
    await world.admit(FakeTransport())
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    world.fickle.down = False
    await world.beats.flush()
    assert registered(world) == []


async def test_each_worker_registers_its_own_sessions(world: WorkerHarness) -> None:
    other = world.other("w2")
    await other.beats.flush()
    mine, yours = await world.admit(FakeTransport()), await other.admit(FakeTransport())
    await empty(world)
    await world.beats.flush()
    await other.beats.flush()
    assert [(await known(world, s.id)).worker for s in (mine, yours)] == ["w1", "w2"]
    for each in (world, other):
        await each.beats.flush()
    assert not mine.departed
    assert not yours.departed
    assert (registered(world), registered(other)) == ([[mine.id]], [[yours.id]])


async def test_after_another_incarnation_it_sweeps_only_a_lease_later(
    world: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may have an old state, which the other workers need time to correct."""
    clock = Clock()
    monkeypatch.setattr(beats_module, "time", clock)
    await empty(world)
    may_sweep = []
    for seconds in (0, 5, 5, 4.75, 0.25):
        clock.turn(seconds)
        await world.beats.flush()
        may_sweep.append(world.beats.may_sweep)
    assert may_sweep == [False, False, False, False, True]


# ---------------------------------------------------------------- disconnects meanwhile


async def test_a_pending_disconnect_is_registered_first_and_reported_then(
    world: WorkerHarness,
) -> None:
    """Otherwise its end would have no effect, and no row in the history."""
    wires = [FakeTransport(), FakeTransport()]
    suspended, closed = [await world.admit(wire) for wire in wires]
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    world.hub.on_disconnect(suspended, 1006)
    world.hub.end(closed, 4500, "out")
    await settled()
    await empty(world)
    world.fickle.down = False
    await world.beats.flush()
    await world.settle()
    assert (await known(world, suspended.id)).state is SUSPENDED
    assert [row.session for row in await world.history()] == [closed.id]
    again = await world.admit(FakeTransport(), resume=wires[0].messages[0])
    assert again.id == suspended.id


async def test_during_an_outage_goodbyes_are_sent(world: WorkerHarness) -> None:
    wire = FakeTransport()
    session = await world.admit(wire)
    world.fickle.down = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await world.beats.flush()
        world.hub.end(session, 4002)
    assert wire.closed is None
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    await eventually_in_loop(lambda: wire.closed == 4002)
    assert world.fickle.called("suspend") == []


async def test_a_disconnect_waits_until_all_sessions_are_registered(world: WorkerHarness) -> None:
    session = await world.admit(FakeTransport())
    await empty(world)
    held = world.fickle.held["register"] = asyncio.Event()
    beat = asyncio.create_task(world.beats.flush())
    await eventually_in_loop(lambda: world.fickle.called("register"))
    world.hub.on_disconnect(session, 1006)
    await settled()
    assert world.fickle.called("suspend") == []
    held.set()
    await beat
    await world.settle()
    assert (await known(world, session.id)).state is SUSPENDED


async def test_a_session_with_a_disconnect_in_flight_is_not_registered(
    world: WorkerHarness,
) -> None:
    """The store may handle the disconnect first; the session would then stay for ever."""
    session = await world.admit(FakeTransport())
    held = world.fickle.held["suspend"] = asyncio.Event()
    world.hub.on_disconnect(session, 1006)
    await eventually_in_loop(lambda: world.fickle.called("suspend"))
    await empty(world)
    await world.beats.flush()
    assert registered(world) == []
    held.set()
    await world.settle()
    assert (await world.store.stats()).connected == 0


async def test_a_connection_that_was_refused_is_not_registered(world: WorkerHarness) -> None:
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.admit(FakeTransport())
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    await empty(world)
    world.fickle.down = False
    await world.beats.flush()
    await world.settle()
    assert registered(world) == []


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
async def forgetful(world: WorkerHarness) -> Forgetful:
    """The store of the world's beats, which knows its sessions until the incarnation changes."""
    store = Forgetful()
    world.fickle = FlakyStore(store)
    world.beats._store = world.beats._reregistration._store = cast(Store, world.fickle)
    await world.beats.flush()
    return store


def add_sessions(world: WorkerHarness, number: int) -> None:
    """Add connected sessions without admission."""
    for index in range(number):
        session = connected(record(f"s{index}"), connect(FakeTransport()))
        world.hub._sessions[session.id] = session


async def test_nothing_is_registered_with_the_first_incarnation(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    assert registered(world) == []


async def test_a_call_carries_a_bounded_batch(world: WorkerHarness, forgetful: Forgetful) -> None:
    add_sessions(world, 2 * BATCH + 1)
    forgetful.incarnation = "two"
    await world.beats.flush()
    assert [len(batch) for batch in registered(world)] == [BATCH, BATCH, 1]


async def test_a_failure_starts_the_registration_over(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(world, BATCH + 1)
    forgetful.incarnation = "two"
    world.fickle.held["register"] = held = asyncio.Event()
    beat = asyncio.create_task(world.beats.flush())
    await eventually_in_loop(lambda: world.fickle.called("register"))
    world.fickle.down = True
    held.set()
    with pytest.raises(StoreUnavailable):
        await beat
    world.fickle.down = False
    await world.beats.flush()
    await world.beats.flush()
    assert [len(batch) for batch in registered(world)] == [BATCH, 1, BATCH, 1]


async def test_sessions_unknown_to_a_new_incarnation_are_not_dropped(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(world, 1)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)
    await world.beats.flush()
    assert [session.id for session in world.hub.connected()] == ["s0"]
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)  # by now it has been registered
    await world.beats.flush()
    assert list(world.hub.connected()) == []


async def test_taken_over_sessions_are_dropped_in_any_incarnation(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    add_sessions(world, 3)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.TAKEN_OVER),)
    forgetful.lost_when_registered = (LostSession("s1", 1, LossReason.TAKEN_OVER),)
    ends = {session.id: session.connection for session in world.hub.connected()}
    await world.beats.flush()
    assert [session.id for session in world.hub.connected()] == ["s2"]
    assert [ends[id_].ended for id_ in ("s0", "s1")] == [(4506, "session continued elsewhere")] * 2


async def test_of_two_generations_only_the_newer_is_registered(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    """It was resumed here before the end of its older connection was reported."""
    world.disconnects.hold()
    older = connected(record("s0"), connect(FakeTransport()))
    world.hub._sessions["s0"] = older
    world.hub.on_disconnect(older, 1006)
    world.hub._sessions["s0"] = connected(record("s0", generation=2), connect(FakeTransport()))
    forgetful.incarnation = "two"
    await world.beats.flush()
    ((_, registrations),) = world.fickle.called("register")
    assert [each.session.generation for each in registrations] == [2]


async def test_ten_thousand_sessions_do_not_stop_the_loop(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    """Registration takes the loop for at most 50 ms at a time, by the CPU time of this thread."""
    add_sessions(world, 10_000)
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
    await world.beats.flush()
    watching.cancel()
    gc.unfreeze()
    assert len(registered(world)) == 20
    assert max(stretches) < 0.05


async def test_each_registration_is_built_when_it_is_taken(
    world: WorkerHarness, forgetful: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    add_sessions(world, BATCH + 1)
    last = list(world.hub.connected())[-1]
    reregistration: Any = Reregistration(cast(Store, world.fickle), world.hub, world.disconnects)
    made = reregistration._registrations()
    for _ in range(BATCH):
        next(made)
    last.departed = True
    assert list(made) == []
