"""Sweeps of a real registry, alone and at once."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest
from django.db import connections
from msgspec.structs import replace

from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.models import ClosedSession, LiveSession
from realtime.signals import session_closed, session_suspended
from realtime.store.contract import BATCH, StoreUnavailable
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Peer, Session, SessionState, SweepReport, Swept
from tests.store.builders import beat, closing, open_many, opening, suspended
from tests.store.store_fixtures import CLAIM, LEASE, RESUME, TIMEOUTS

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")

DAY = 24 * 3600
ENDED = Session("s1", SessionState.CLOSING, 1, "", Peer(), opened_at=1, connected_at=1, last_beat=1)


@pytest.fixture
def database() -> Database:
    return Database("default")


@pytest.fixture
def registry(database: Database) -> BlockingDatabaseStore:
    """The registry as a test prepares it, before anything is swept."""
    return BlockingDatabaseStore(database, TIMEOUTS)


class Settled(Sweeper):
    """One whose sweeps end when receivers have heard."""

    async def sweep(self) -> SweepReport:
        try:
            return await super().sweep()
        finally:
            await self._dispatcher.settle()


class Place:
    """One of the places that sweeps come from: threads, store and history of its own."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        timeout: float = 10.0,
        sequential: bool = False,
        **threads: Any,
    ) -> None:
        self.threads = Threads(**threads)
        sessions = BlockingDatabaseStore(database, TIMEOUTS)
        self.store = DatabaseStore(sessions, self.threads, timeout=timeout)
        self.history = History(database, days=30)
        self.dispatcher = SignalDispatcher(self.threads)
        self.sweeper = Settled(
            self.store,
            self.history,
            self.threads,
            self.dispatcher,
            claimant=name,
            sequential=sequential,
        )

    async def aclose(self) -> None:
        await self.store.aclose()
        await self.threads.aclose()


@pytest.fixture
async def places(database: Database) -> AsyncIterator[list[Place]]:
    places = [Place(database, name) for name in ("here", "there")]
    yield places
    for place in places:
        await place.aclose()


@pytest.fixture
async def place_in_turn(database: Database) -> AsyncIterator[Place]:
    place = Place(database, "here", timeout=0.7, sequential=True)
    yield place
    await place.aclose()


@pytest.fixture
def sweeper(places: list[Place]) -> Sweeper:
    return places[0].sweeper


class Heard(list[str]):
    """The sessions that a receiver has heard of; receivers run in several threads."""

    def receive(self, session: Session, **_: Any) -> None:
        self.append(session.id)


@pytest.fixture
def heard() -> Iterator[dict[str, Heard]]:
    signals = {"suspended": session_suspended, "closed": session_closed}
    heard = {name: Heard() for name in signals}
    for name, signal in signals.items():
        signal.connect(heard[name].receive)
    yield heard
    for name, signal in signals.items():
        signal.disconnect(heard[name].receive)


def done(report: SweepReport) -> tuple[int, int, int, int]:
    assert report.took_ms >= 0
    return report.suspended, report.closed, report.workers_lost, report.history_pruned


@pytest.fixture
def crashed(registry: BlockingDatabaseStore, database: Database) -> list[str]:
    """The ids of 50 sessions whose worker died; its lease has just ended."""
    known = open_many(registry, 50)
    beat(registry, "w1", connections=50)
    database.clock_offset += LEASE + 1
    return known


async def aside(call: Callable[..., T], *args: Any) -> T:
    """Use the database from a running loop, and leave no connection behind."""

    def run() -> T:
        try:
            return call(*args)
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


async def rows() -> int:
    return await aside(ClosedSession.objects.count)


def live() -> list[dict[str, Any]]:
    return [dict(row) for row in LiveSession.objects.order_by("id").values()]


# ---------------------------------------------------------------- one


async def test_fifty_sessions_of_a_crashed_worker(
    sweeper: Sweeper, crashed: list[str], heard: dict[str, Heard], database: Database
) -> None:
    assert done(await sweeper.sweep()) == (50, 0, 1, 0)
    assert (sorted(heard["suspended"]), heard["closed"]) == (crashed, [])
    database.clock_offset += RESUME + 1
    assert done(await sweeper.sweep()) == (0, 50, 0, 0)
    assert sorted(heard["closed"]) == crashed
    assert await rows() == 50
    assert done(await sweeper.sweep()) == (0, 0, 0, 0)
    assert (len(heard["suspended"]), len(heard["closed"])) == (50, 50)


async def test_the_sweep_leaves_nothing_behind(
    sweeper: Sweeper, crashed: list[str], database: Database
) -> None:
    await sweeper.sweep()
    database.clock_offset += RESUME + 1
    await sweeper.sweep()
    assert await aside(live) == []


async def test_one_sweep_takes_as_many_steps_as_it_needs(
    sweeper: Sweeper, registry: BlockingDatabaseStore, database: Database
) -> None:
    await aside(open_many, registry, BATCH + 1)
    await aside(beat, registry, "w1")
    database.clock_offset += LEASE + 1
    assert done(await sweeper.sweep()) == (BATCH + 1, 0, 1, 0)
    database.clock_offset += RESUME + 1
    assert done(await sweeper.sweep()) == (0, BATCH + 1, 0, 0)


async def test_the_last_sweep_is_noted(sweeper: Sweeper, places: list[Place]) -> None:
    report = await sweeper.sweep()
    noted = (await places[0].store.stats()).last_sweep
    assert noted is not None
    assert noted.at > 0
    assert replace(noted, at=0) == report


async def test_old_history_is_pruned(
    sweeper: Sweeper, crashed: list[str], database: Database
) -> None:
    await sweeper.sweep()
    database.clock_offset += RESUME + 1
    await sweeper.sweep()
    database.clock_offset += 30 * DAY + 1
    assert done(await sweeper.dry_run()) == (0, 0, 0, 50)
    assert done(await sweeper.sweep()) == (0, 0, 0, 50)
    assert await rows() == 0


async def test_history_is_pruned_in_steps_with_pauses_and_sweeps_in_between(
    sweeper: Sweeper, crashed: list[str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sweeper.sweep()
    database.clock_offset += RESUME + 1
    await sweeper.sweep()
    database.clock_offset += 30 * DAY + 1
    for module in ("sweeper", "history"):
        monkeypatch.setattr(f"realtime.ending.{module}.MAX_PRUNED", 10)
    monkeypatch.setattr("realtime.ending.sweeper.FINISH_INTERVAL", 0.0)
    pauses: list[float] = []
    asked: list[str] = []
    sleep, claim = asyncio.sleep, sweeper._store.sweep

    async def counted_sleep(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    async def counted_claim(claimant: str, **options: Any) -> Swept:
        asked.append(claimant)
        return await claim(claimant, **options)

    monkeypatch.setattr("realtime.ending.sweeper.asyncio.sleep", counted_sleep)
    monkeypatch.setattr(sweeper._store, "sweep", counted_claim)
    assert done(await sweeper.sweep()) == (0, 0, 0, 50)
    assert len([seconds for seconds in pauses if seconds > 0]) >= 5
    assert len(asked) == 7  # at the start, and after each of the steps


# ---------------------------------------------------------------- several


async def test_two_sweeps_at_once_do_it_once(
    places: list[Place], crashed: list[str], heard: dict[str, Heard], database: Database
) -> None:
    for expected in [(50, 0, 1, 0), (0, 50, 0, 0)]:
        reports = await asyncio.gather(*[place.sweeper.sweep() for place in places])
        assert tuple(map(sum, zip(*map(done, reports), strict=True))) == expected
        database.clock_offset += RESUME + 1
    assert sorted(heard["suspended"]) == sorted(heard["closed"]) == crashed
    assert await rows() == 50


async def test_two_sweeps_of_one_place_at_once_do_it_once(
    sweeper: Sweeper, crashed: list[str], heard: dict[str, Heard], database: Database
) -> None:
    database.clock_offset += RESUME + 1
    await sweeper.sweep()
    database.clock_offset += RESUME + 1
    reports = await asyncio.gather(sweeper.sweep(), sweeper.sweep())
    assert sum(report.closed for report in reports) == len(heard["closed"]) == 50


async def test_who_dies_with_the_claim_is_replaced(
    places: list[Place], crashed: list[str], heard: dict[str, Heard], database: Database
) -> None:
    await places[0].sweeper.sweep()
    database.clock_offset += RESUME + 1
    assert len((await places[0].store.sweep("dead by now")).claimed) == 50
    assert done(await places[1].sweeper.sweep()) == (0, 0, 0, 0)
    database.clock_offset += CLAIM + 1
    assert done(await places[1].sweeper.sweep()) == (0, 50, 0, 0)
    assert len(heard["closed"]) == await rows() == 50


async def test_who_dies_between_row_and_confirmation_is_replaced(
    places: list[Place], crashed: list[str], heard: dict[str, Heard], database: Database
) -> None:
    await places[0].sweeper.sweep()
    database.clock_offset += RESUME + 1
    claimed = (await places[0].store.sweep("dead by now")).claimed
    history = History(database, days=30)
    assert await places[0].threads.run(history.record, claimed) == 50
    database.clock_offset += CLAIM + 1
    assert done(await places[1].sweeper.sweep()) == (0, 0, 0, 0)
    assert len(heard["closed"]) == await rows() == 50
    assert await aside(live) == []


# ---------------------------------------------------------------- claiming while writing


class Scene:
    """A sweep of more than one step: its first batch is written only once the second step
    has been taken, and either may be told to fail."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sweeper = place.sweeper
        self.history_fails = self.second_step_fails = False
        self.together: list[bool] = []
        self._steps = 0
        self.second_taken = threading.Event()
        self._sweep, self._record = place.store.sweep, place.history.record
        monkeypatch.setattr(place.store, "sweep", self._step)
        monkeypatch.setattr(place.history, "record", self._write)

    async def _step(self, claimant: str) -> Swept:
        self._steps += 1
        if self._steps == 2 and self.second_step_fails:
            self.second_taken.set()
            raise StoreUnavailable("out of order")
        step = await self._sweep(claimant)
        if self._steps == 2:
            self.second_taken.set()
        return step

    def _write(self, sessions: Sequence[Session], **left: Any) -> int:
        if not self.together:
            self.together.append(self.second_taken.wait(10))
            if self.history_fails:
                raise StoreUnavailable("out of order")
        return self._record(sessions, **left)


@pytest.fixture
def expired(registry: BlockingDatabaseStore, database: Database) -> list[str]:
    """The ids of sessions that two steps close."""
    known = open_many(registry, BATCH + 1)
    beat(registry, "w1")
    database.clock_offset += LEASE + 1
    for _ in range(2):
        registry.sweep("somebody")
    database.clock_offset += RESUME + 1
    return known


@pytest.fixture
def scene(expired: list[str], places: list[Place], monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(places[0], monkeypatch)


async def test_more_is_claimed_while_the_history_is_written(scene: Scene) -> None:
    assert done(await scene.sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert scene.together == [True]
    assert (await rows(), await aside(live)) == (BATCH + 1, [])


async def test_batches_under_way_when_the_history_fails_are_finished_by_the_next_sweep(
    scene: Scene, expired: list[str], heard: dict[str, Heard]
) -> None:
    scene.history_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert scene.together == [True]
    assert (await rows(), heard["closed"]) == (0, [])
    assert {row["state"] for row in await aside(live)} == {"closing"}
    assert done(await scene.sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert sorted(heard["closed"]) == expired
    assert (await rows(), await aside(live)) == (BATCH + 1, [])


async def test_batches_under_way_when_one_dies_are_finished_by_another(
    scene: Scene,
    places: list[Place],
    expired: list[str],
    heard: dict[str, Heard],
    database: Database,
) -> None:
    scene.history_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert done(await places[1].sweeper.sweep()) == (0, 0, 0, 0)
    database.clock_offset += CLAIM + 1
    assert done(await places[1].sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert sorted(heard["closed"]) == expired


async def test_a_last_batch_that_is_left_unfinished_is_finished_by_the_next_sweep(
    scene: Scene, expired: list[str], monkeypatch: pytest.MonkeyPatch, heard: dict[str, Heard]
) -> None:
    async def write_one(claimed: Sequence[Session]) -> int:
        if len(claimed) < BATCH:
            raise StoreUnavailable("out of order")
        return await finish(claimed)

    finish = scene.sweeper.finish
    with monkeypatch.context() as patched:
        patched.setattr(scene.sweeper, "finish", write_one)
        with pytest.raises(StoreUnavailable):
            await scene.sweeper.sweep()
    assert await rows() == BATCH
    assert done(await scene.sweeper.sweep()) == (0, 1, 0, 0)
    assert sorted(heard["closed"]) == expired


async def test_a_claim_that_fails_leaves_the_batch_before_to_be_finished(
    scene: Scene, heard: dict[str, Heard]
) -> None:
    scene.second_step_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert scene.together == [True]
    assert (await rows(), len(heard["closed"]), len(await aside(live))) == (BATCH, BATCH, 1)
    assert done(await scene.sweeper.sweep()) == (0, 1, 0, 0)


async def test_suspensions_are_told_although_the_history_before_them_fails(
    scene: Scene, registry: BlockingDatabaseStore, heard: dict[str, Heard], database: Database
) -> None:
    connected = [f"t{number:04}" for number in range(BATCH + 1)]

    def connect() -> None:
        for id_ in connected:
            registry.open(opening(id_, worker="w2"))
        beat(registry, "w2")

    await aside(connect)
    database.clock_offset += LEASE + 1
    scene.history_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert sorted(heard["suspended"]) == connected


async def test_in_turn_receivers_that_take_long_are_waited_for(
    expired: list[str], place_in_turn: Place
) -> None:
    """Longer than the store's timeout: on SQLite a claim could not be made meanwhile."""

    def take_long(**_: Any) -> None:
        time.sleep(0.002)

    session_closed.connect(take_long)
    try:
        report = await place_in_turn.sweeper.sweep()
    finally:
        session_closed.disconnect(take_long)
    assert done(report) == (0, len(expired), 0, 0)


async def test_a_sweep_that_is_cancelled_leaves_no_task(scene: Scene) -> None:
    before = asyncio.all_tasks()
    sweep = asyncio.create_task(scene.sweeper.sweep())
    await aside(scene.second_taken.wait, 10)
    sweep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweep
    assert asyncio.all_tasks() == before


# ---------------------------------------------------------------- rehearsal


@pytest.fixture
def mixed(registry: BlockingDatabaseStore, database: Database) -> None:
    """Something of everything that is overdue."""
    closing(registry, "closing")
    suspended(registry, "expired")
    database.clock_offset += RESUME + 1
    for id_ in ("lost", "unwanted"):
        registry.open(opening(id_, worker="w2"))
    beat(registry, "w2")
    registry.request_close(session="unwanted", code=4500, reason="go")
    database.clock_offset += LEASE + 1


@pytest.mark.usefixtures("mixed")
async def test_a_rehearsal_changes_nothing(sweeper: Sweeper, heard: dict[str, Heard]) -> None:
    before = await aside(live)
    first, second = await sweeper.dry_run(), await sweeper.dry_run()
    assert done(first) == done(second) == (2, 3, 1, 0)
    assert (first.dry_run, first.at) == (True, 0)
    assert await aside(live) == before
    assert (await rows(), heard["suspended"], heard["closed"]) == (0, [], [])


@pytest.mark.usefixtures("mixed")
async def test_a_rehearsal_tells_what_a_sweep_then_does(
    sweeper: Sweeper, places: list[Place]
) -> None:
    rehearsed = await sweeper.dry_run()
    assert (await places[0].store.stats()).last_sweep is None
    swept = await sweeper.sweep()
    assert (done(rehearsed), rehearsed.dry_run, swept.dry_run) == (done(swept), True, False)


# ---------------------------------------------------------------- failures


async def test_an_overloaded_pool_is_an_unavailable_store(database: Database) -> None:
    place = Place(database, "here", size=1, max_pending=1)
    gate = threading.Event()
    busy = asyncio.create_task(place.threads.run(gate.wait, 10))
    await asyncio.sleep(0)
    for work in (place.sweeper.sweep, place.sweeper.dry_run):
        with pytest.raises(StoreUnavailable):
            await work()
    with pytest.raises(StoreUnavailable):
        await place.sweeper.finish([ENDED])
    gate.set()
    await busy
    await place.aclose()


async def test_suspensions_nobody_listens_to_take_no_thread(database: Database) -> None:
    place = Place(database, "here", size=1, max_pending=0)
    place.dispatcher.dispatch_suspended([ENDED])
    await place.aclose()
