"""Sweeps of a database store, alone and at once."""

import asyncio
import logging
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
from tests.polling import eventually_in_loop
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
    """The store that a test fills before it sweeps."""
    return BlockingDatabaseStore(database, TIMEOUTS)


class SettledSweeper(Sweeper):
    """A sweeper whose sweeps wait for the receivers of signals."""

    async def sweep(self) -> SweepReport:
        try:
            return await super().sweep()
        finally:
            await self._dispatcher.settle()


class SweepingProcess:
    """A sweeper with threads, store and history of its own, as in a process of its own."""

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
        self.sweeper = SettledSweeper(
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
async def processes(database: Database) -> AsyncIterator[list[SweepingProcess]]:
    processes = [SweepingProcess(database, name) for name in ("here", "there")]
    yield processes
    for process in processes:
        await process.aclose()


@pytest.fixture
async def sequential(database: Database) -> AsyncIterator[SweepingProcess]:
    process = SweepingProcess(database, "here", timeout=0.7, sequential=True)
    yield process
    await process.aclose()


@pytest.fixture
def sweeper(processes: list[SweepingProcess]) -> Sweeper:
    return processes[0].sweeper


class SignalLog(list[str]):
    """The sessions whose signals a receiver got; receivers run in several threads."""

    def receive(self, session: Session, **_: Any) -> None:
        self.append(session.id)


@pytest.fixture
def received() -> Iterator[dict[str, SignalLog]]:
    signals = {"suspended": session_suspended, "closed": session_closed}
    received = {name: SignalLog() for name in signals}
    for name, signal in signals.items():
        signal.connect(received[name].receive)
    yield received
    for name, signal in signals.items():
        signal.disconnect(received[name].receive)


def done(report: SweepReport) -> tuple[int, int, int, int]:
    assert report.took_ms >= 0
    return report.suspended, report.closed, report.workers_lost, report.history_pruned


@pytest.fixture
def crashed(registry: BlockingDatabaseStore, database: Database) -> list[str]:
    """The ids of 50 sessions of a dead worker, whose lease has just ended."""
    known = open_many(registry, 50)
    beat(registry, "w1", connections=50)
    database.clock_offset += LEASE + 1
    return known


async def aside(call: Callable[..., T], *args: Any) -> T:
    """Call in a thread that closes its database connections."""

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
    sweeper: Sweeper, crashed: list[str], received: dict[str, SignalLog], database: Database
) -> None:
    assert done(await sweeper.sweep()) == (50, 0, 1, 0)
    assert (sorted(received["suspended"]), received["closed"]) == (crashed, [])
    database.clock_offset += RESUME + 1
    assert done(await sweeper.sweep()) == (0, 50, 0, 0)
    assert sorted(received["closed"]) == crashed
    assert await rows() == 50
    assert done(await sweeper.sweep()) == (0, 0, 0, 0)
    assert (len(received["suspended"]), len(received["closed"])) == (50, 50)


@pytest.mark.parametrize("quiet", [False, True])
async def test_a_sweep_logs_each_session_unless_it_is_quiet(
    sweeper: Sweeper,
    registry: BlockingDatabaseStore,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    *,
    quiet: bool,
) -> None:
    caplog.set_level(logging.INFO, "realtime.sessions")
    await aside(open_many, registry, 1)
    await aside(beat, registry, "w1")
    sweeper.quiet = quiet
    for seconds in (LEASE, RESUME):
        database.clock_offset += seconds + 1
        await sweeper.sweep()
    events = ("suspended by a sweep: 1006", "swept: 1006")
    for line, event in zip(caplog.messages, () if quiet else events, strict=True):
        assert event in line


async def test_a_sweep_removes_what_it_has_closed(
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


async def test_the_last_sweep_is_noted(sweeper: Sweeper, processes: list[SweepingProcess]) -> None:
    report = await sweeper.sweep()
    noted = (await processes[0].store.stats()).last_sweep
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
    claims: list[str] = []
    sleep, claim = asyncio.sleep, sweeper._store.sweep

    async def counted_sleep(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    async def counted_claim(claimant: str, **options: Any) -> Swept:
        claims.append(claimant)
        return await claim(claimant, **options)

    monkeypatch.setattr("realtime.ending.sweeper.asyncio.sleep", counted_sleep)
    monkeypatch.setattr(sweeper._store, "sweep", counted_claim)
    assert done(await sweeper.sweep()) == (0, 0, 0, 50)
    assert len([seconds for seconds in pauses if seconds > 0]) >= 5
    assert len(claims) == 7  # at the start, and after each of the steps


# ---------------------------------------------------------------- several


async def test_two_processes_at_once_close_each_session_once(
    processes: list[SweepingProcess],
    crashed: list[str],
    received: dict[str, SignalLog],
    database: Database,
) -> None:
    for expected in [(50, 0, 1, 0), (0, 50, 0, 0)]:
        reports = await asyncio.gather(*[process.sweeper.sweep() for process in processes])
        assert tuple(map(sum, zip(*map(done, reports), strict=True))) == expected
        database.clock_offset += RESUME + 1
    assert sorted(received["suspended"]) == sorted(received["closed"]) == crashed
    assert await rows() == 50


async def test_two_sweeps_of_one_process_at_once_close_each_session_once(
    sweeper: Sweeper, crashed: list[str], received: dict[str, SignalLog], database: Database
) -> None:
    database.clock_offset += RESUME + 1
    await sweeper.sweep()
    database.clock_offset += RESUME + 1
    reports = await asyncio.gather(sweeper.sweep(), sweeper.sweep())
    assert sum(report.closed for report in reports) == len(received["closed"]) == 50


async def test_the_claims_of_a_dead_process_expire(
    processes: list[SweepingProcess],
    crashed: list[str],
    received: dict[str, SignalLog],
    database: Database,
) -> None:
    await processes[0].sweeper.sweep()
    database.clock_offset += RESUME + 1
    assert len((await processes[0].store.sweep("dead by now")).claimed) == 50
    assert done(await processes[1].sweeper.sweep()) == (0, 0, 0, 0)
    database.clock_offset += CLAIM + 1
    assert done(await processes[1].sweeper.sweep()) == (0, 50, 0, 0)
    assert len(received["closed"]) == await rows() == 50


async def test_a_session_with_a_row_but_no_confirmation_is_closed_later(
    processes: list[SweepingProcess],
    crashed: list[str],
    received: dict[str, SignalLog],
    database: Database,
) -> None:
    await processes[0].sweeper.sweep()
    database.clock_offset += RESUME + 1
    claimed = (await processes[0].store.sweep("dead by now")).claimed
    history = History(database, days=30)
    assert len(await processes[0].threads.run(history.record, claimed)) == 50
    database.clock_offset += CLAIM + 1
    assert done(await processes[1].sweeper.sweep()) == (0, 0, 0, 0)
    assert len(received["closed"]) == await rows() == 50
    assert await aside(live) == []


# ---------------------------------------------------------------- claiming while writing


class TwoSteps:
    """A sweep of two steps: writing the first batch waits for the second claim; each may fail."""

    def __init__(self, process: SweepingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sweeper = process.sweeper
        self.history_fails = self.second_step_fails = False
        self.together: list[bool] = []
        self._steps = 0
        self.second_taken = threading.Event()
        self._sweep, self._record = process.store.sweep, process.history.record
        monkeypatch.setattr(process.store, "sweep", self._step)
        monkeypatch.setattr(process.history, "record", self._write)

    async def _step(self, claimant: str) -> Swept:
        self._steps += 1
        if self._steps == 2 and self.second_step_fails:
            self.second_taken.set()
            raise StoreUnavailable("out of order")
        step = await self._sweep(claimant)
        if self._steps == 2:
            self.second_taken.set()
        return step

    def _write(self, sessions: Sequence[Session]) -> list[Session]:
        if not self.together:
            self.together.append(self.second_taken.wait(10))
            if self.history_fails:
                raise StoreUnavailable("out of order")
        return self._record(sessions)


@pytest.fixture
def expired(registry: BlockingDatabaseStore, database: Database) -> list[str]:
    """The ids of sessions that two steps close."""
    known = open_many(registry, BATCH + 1)
    beat(registry, "w1")
    database.clock_offset += LEASE + 1
    for _ in range(2):
        registry.sweep("another")
    database.clock_offset += RESUME + 1
    return known


@pytest.fixture
def scene(
    expired: list[str], processes: list[SweepingProcess], monkeypatch: pytest.MonkeyPatch
) -> TwoSteps:
    return TwoSteps(processes[0], monkeypatch)


async def test_the_next_claim_comes_while_the_history_is_written(scene: TwoSteps) -> None:
    assert done(await scene.sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert scene.together == [True]
    assert (await rows(), await aside(live)) == (BATCH + 1, [])


async def test_the_next_sweep_finishes_batches_after_a_failure_of_the_history(
    scene: TwoSteps, expired: list[str], received: dict[str, SignalLog]
) -> None:
    scene.history_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert scene.together == [True]
    assert (await rows(), received["closed"]) == (0, [])
    assert {row["state"] for row in await aside(live)} == {"closing"}
    assert done(await scene.sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert sorted(received["closed"]) == expired
    assert (await rows(), await aside(live)) == (BATCH + 1, [])


async def test_another_process_finishes_batches_when_the_claims_expire(
    scene: TwoSteps,
    processes: list[SweepingProcess],
    expired: list[str],
    received: dict[str, SignalLog],
    database: Database,
) -> None:
    scene.history_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert done(await processes[1].sweeper.sweep()) == (0, 0, 0, 0)
    database.clock_offset += CLAIM + 1
    assert done(await processes[1].sweeper.sweep()) == (0, BATCH + 1, 0, 0)
    assert sorted(received["closed"]) == expired


async def test_the_next_sweep_finishes_an_unfinished_last_batch(
    scene: TwoSteps,
    expired: list[str],
    monkeypatch: pytest.MonkeyPatch,
    received: dict[str, SignalLog],
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
    assert sorted(received["closed"]) == expired


async def test_after_a_failed_claim_the_batch_before_is_finished(
    scene: TwoSteps, received: dict[str, SignalLog]
) -> None:
    scene.second_step_fails = True
    with pytest.raises(StoreUnavailable):
        await scene.sweeper.sweep()
    assert scene.together == [True]
    assert (await rows(), len(received["closed"]), len(await aside(live))) == (BATCH, BATCH, 1)
    assert done(await scene.sweeper.sweep()) == (0, 1, 0, 0)


async def test_suspensions_send_their_signals_although_the_history_fails(
    scene: TwoSteps,
    registry: BlockingDatabaseStore,
    received: dict[str, SignalLog],
    database: Database,
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
    assert sorted(received["suspended"]) == connected


async def test_a_sequential_sweep_waits_for_slow_receivers(
    expired: list[str], sequential: SweepingProcess
) -> None:
    """They take longer than the store's timeout; on SQLite a claim would fail meanwhile."""

    def take_long(**_: Any) -> None:
        time.sleep(0.002)

    session_closed.connect(take_long)
    try:
        report = await sequential.sweeper.sweep()
    finally:
        session_closed.disconnect(take_long)
    assert done(report) == (0, len(expired), 0, 0)


async def test_a_sweep_that_is_cancelled_leaves_no_task(scene: TwoSteps) -> None:
    before = asyncio.all_tasks()
    sweep = asyncio.create_task(scene.sweeper.sweep())
    await aside(scene.second_taken.wait, 10)
    sweep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweep
    await eventually_in_loop(lambda: asyncio.all_tasks() == before)  # the store's writer ends


# ---------------------------------------------------------------- dry run


@pytest.fixture
def mixed(registry: BlockingDatabaseStore, database: Database) -> None:
    """Sessions of each kind that a sweep handles."""
    closing(registry, "closing")
    suspended(registry, "expired")
    database.clock_offset += RESUME + 1
    for id_ in ("lost", "unwanted"):
        registry.open(opening(id_, worker="w2"))
    beat(registry, "w2")
    registry.request_close(session="unwanted", code=4500, reason="go")
    database.clock_offset += LEASE + 1


@pytest.mark.usefixtures("mixed")
async def test_a_dry_run_changes_nothing(sweeper: Sweeper, received: dict[str, SignalLog]) -> None:
    before = await aside(live)
    first, second = await sweeper.dry_run(), await sweeper.dry_run()
    assert done(first) == done(second) == (2, 3, 1, 0)
    assert (first.dry_run, first.at) == (True, 0)
    assert await aside(live) == before
    assert (await rows(), received["suspended"], received["closed"]) == (0, [], [])


@pytest.mark.usefixtures("mixed")
async def test_a_dry_run_reports_what_a_sweep_then_does(
    sweeper: Sweeper, processes: list[SweepingProcess]
) -> None:
    dry = await sweeper.dry_run()
    assert (await processes[0].store.stats()).last_sweep is None
    swept = await sweeper.sweep()
    assert (done(dry), dry.dry_run, swept.dry_run) == (done(swept), True, False)


# ---------------------------------------------------------------- failures


async def test_an_overloaded_pool_is_an_unavailable_store(database: Database) -> None:
    process = SweepingProcess(database, "here", size=1, max_pending=1)
    gate = threading.Event()
    busy = asyncio.create_task(process.threads.run(gate.wait, 10))
    await asyncio.sleep(0)
    for work in (process.sweeper.sweep, process.sweeper.dry_run):
        with pytest.raises(StoreUnavailable):
            await work()
    with pytest.raises(StoreUnavailable):
        await process.sweeper.finish([ENDED])
    gate.set()
    await busy
    await process.aclose()


async def test_signals_without_receivers_take_no_thread(database: Database) -> None:
    process = SweepingProcess(database, "here", size=1, max_pending=0)
    process.dispatcher.dispatch_suspended([ENDED])
    await process.aclose()
