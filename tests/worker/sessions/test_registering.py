"""A store that has lost its content: who is connected here is put back, and nobody notices."""

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
from realtime.worker.sessions import registering as module
from realtime.worker.sessions.registering import Reregistration

from ..conftest import WorkerHarness
from ..fakes import (
    Clock,
    FakeTransport,
    FlakyStore,
    connect,
    connected,
    eventually,
    record,
    settled,
)

CONNECTED, SUSPENDED = SessionState.CONNECTED, SessionState.SUSPENDED


async def empty(world: WorkerHarness) -> None:
    """What is left after FLUSHALL."""

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


async def test_an_emptied_store_is_told_again_of_everybody(world: WorkerHarness) -> None:
    wires = [FakeTransport() for _ in range(3)]
    sessions = [await world.admit(wire) for wire in wires]
    world.hub.beat(sessions[0], sessions[0].heartbeat.due)
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


async def test_it_can_still_be_resumed_with_its_token(world: WorkerHarness) -> None:
    first, second = FakeTransport(), FakeTransport()
    before = await world.admit(first)
    await empty(world)
    await world.beats.flush()
    world.hub.gone(before, 1006)
    await world.settle()
    after = await world.admit(second, resume=first.messages[0])
    assert second.messages[0]["resumed"] is True
    assert (after.id, after.record.generation) == (before.id, 2)
    assert after.record.opened_at == before.record.opened_at


async def test_a_store_that_goes_on_is_told_nothing_again(world: WorkerHarness) -> None:
    await world.admit(FakeTransport())
    for _ in range(3):
        await world.beats.flush()
    assert registered(world) == []


async def test_an_outage_without_a_loss_registers_nobody(world: WorkerHarness) -> None:
    await world.admit(FakeTransport())
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    world.fickle.down = False
    await world.beats.flush()
    assert registered(world) == []


async def test_every_worker_puts_back_its_own(world: WorkerHarness) -> None:
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
    """What the store has kept may be old: others need the time to correct it."""
    clock = Clock()
    monkeypatch.setattr(beats_module, "time", clock)
    await empty(world)
    may_sweep = []
    for seconds in (0, 5, 5, 4.75, 0.25):
        clock.turn(seconds)
        await world.beats.flush()
        may_sweep.append(world.beats.may_sweep)
    assert may_sweep == [False, False, False, False, True]


# ---------------------------------------------------------------- who leaves meanwhile


async def test_who_has_left_unheard_is_put_back_first_and_leaves_properly(
    world: WorkerHarness,
) -> None:
    """Else its end would have no effect, and no row in the history."""
    wires = [FakeTransport(), FakeTransport()]
    suspended, closed = [await world.admit(wire) for wire in wires]
    world.fickle.down = True
    with pytest.raises(StoreUnavailable):
        await world.beats.flush()
    world.hub.gone(suspended, 1006)
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


async def test_while_the_store_is_away_goodbyes_are_said_all_the_same(world: WorkerHarness) -> None:
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
    await eventually(lambda: wire.closed == 4002)
    assert world.fickle.called("suspend") == []


async def test_a_departure_waits_until_all_are_registered(world: WorkerHarness) -> None:
    session = await world.admit(FakeTransport())
    await empty(world)
    held = world.fickle.held["register"] = asyncio.Event()
    beat = asyncio.create_task(world.beats.flush())
    await eventually(lambda: world.fickle.called("register"))
    world.hub.gone(session, 1006)
    await settled()
    assert world.fickle.called("suspend") == []
    held.set()
    await beat
    await world.settle()
    assert (await known(world, session.id)).state is SUSPENDED


async def test_whose_departure_is_under_way_is_not_put_back(world: WorkerHarness) -> None:
    """It may be heard before: then nobody would ever tell of the end again."""
    session = await world.admit(FakeTransport())
    held = world.fickle.held["suspend"] = asyncio.Event()
    world.hub.gone(session, 1006)
    await eventually(lambda: world.fickle.called("suspend"))
    await empty(world)
    await world.beats.flush()
    assert registered(world) == []
    held.set()
    await world.settle()
    assert (await world.store.stats()).connected == 0


async def test_who_was_never_let_in_is_not_put_back(world: WorkerHarness) -> None:
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
    """A store of another incarnation with every wish; it knows what it is told to."""

    def __init__(self) -> None:
        self.incarnation = "one"
        self.lost: tuple[LostSession, ...] = ()
        self.lost_when_registered: tuple[LostSession, ...] = ()

    async def own(self) -> None:
        """Nobody else's."""

    async def beat(self, *_: object, **__: object) -> BeatAnswer:
        lost, self.lost = self.lost, ()
        return BeatAnswer(True, 1, 1, self.incarnation, lost=lost)

    async def register(self, worker: str, batch: list[Registration]) -> tuple[LostSession, ...]:
        await asyncio.sleep(0)
        return self.lost_when_registered


@pytest.fixture
async def forgetful(world: WorkerHarness) -> Forgetful:
    """The world's beats speak with a store that knows them, until its incarnation changes."""
    store = Forgetful()
    world.fickle = FlakyStore(store)
    world.beats._store = world.beats._registering._store = cast(Store, world.fickle)
    await world.beats.flush()
    return store


def inhabit(world: WorkerHarness, number: int) -> None:
    """So many connected sessions, without the pains of admission."""
    for index in range(number):
        session = connected(record(f"s{index}"), connect(FakeTransport()))
        world.hub._sessions[session.id] = session


async def test_the_first_store_of_a_life_needs_no_introduction(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    assert registered(world) == []


async def test_a_call_carries_a_bounded_batch(world: WorkerHarness, forgetful: Forgetful) -> None:
    inhabit(world, 2 * BATCH + 1)
    forgetful.incarnation = "two"
    await world.beats.flush()
    assert [len(batch) for batch in registered(world)] == [BATCH, BATCH, 1]


async def test_a_failure_in_between_begins_anew(world: WorkerHarness, forgetful: Forgetful) -> None:
    inhabit(world, BATCH + 1)
    forgetful.incarnation = "two"
    world.fickle.held["register"] = held = asyncio.Event()
    beat = asyncio.create_task(world.beats.flush())
    await eventually(lambda: world.fickle.called("register"))
    world.fickle.down = True
    held.set()
    with pytest.raises(StoreUnavailable):
        await beat
    world.fickle.down = False
    await world.beats.flush()
    await world.beats.flush()
    assert [len(batch) for batch in registered(world)] == [BATCH, 1, BATCH, 1]


async def test_unknown_to_another_incarnation_is_not_lost(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    inhabit(world, 1)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)
    await world.beats.flush()
    assert [session.id for session in world.hub.connected()] == ["s0"]
    forgetful.lost = (LostSession("s0", 1, LossReason.UNKNOWN),)  # now it has been told
    await world.beats.flush()
    assert list(world.hub.connected()) == []


async def test_taken_over_is_taken_over_in_any_incarnation(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    inhabit(world, 3)
    forgetful.incarnation = "two"
    forgetful.lost = (LostSession("s0", 1, LossReason.TAKEN_OVER),)
    forgetful.lost_when_registered = (LostSession("s1", 1, LossReason.TAKEN_OVER),)
    ends = {session.id: session.connection for session in world.hub.connected()}
    await world.beats.flush()
    assert [session.id for session in world.hub.connected()] == ["s2"]
    assert [ends[id_].ended for id_ in ("s0", "s1")] == [(4506, "session continued elsewhere")] * 2


async def test_of_two_generations_only_the_newer_is_put_back(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    """It was resumed here before the store had heard of the end of the older connection."""
    world.departures.hold()
    older = connected(record("s0"), connect(FakeTransport()))
    world.hub._sessions["s0"] = older
    world.hub.gone(older, 1006)
    world.hub._sessions["s0"] = connected(record("s0", generation=2), connect(FakeTransport()))
    forgetful.incarnation = "two"
    await world.beats.flush()
    ((_, registrations),) = world.fickle.called("register")
    assert [each.session.generation for each in registrations] == [2]


async def test_ten_thousand_sessions_do_not_stop_the_loop(
    world: WorkerHarness, forgetful: Forgetful
) -> None:
    """Nothing of it takes the loop for longer than 50 ms, by this thread's own clock."""
    inhabit(world, 10_000)
    stretches: list[float] = []

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            stretches.append(time.thread_time() - began)

    gc.collect()
    gc.freeze()  # all that the tests before have left: its collection is not measured here
    watching = asyncio.create_task(watch())
    forgetful.incarnation = "two"
    await world.beats.flush()
    watching.cancel()
    gc.unfreeze()
    assert len(registered(world)) == 20
    assert max(stretches) < 0.05


async def test_each_registration_is_made_when_its_turn_comes(
    world: WorkerHarness, forgetful: Forgetful, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    inhabit(world, BATCH + 1)
    last = list(world.hub.connected())[-1]
    everybody: Any = Reregistration(cast(Store, world.fickle), world.hub, world.departures)
    made = everybody._everybody()
    for _ in range(BATCH):
        next(made)
    last.departed = True
    assert list(made) == []
