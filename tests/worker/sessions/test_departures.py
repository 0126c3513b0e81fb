"""Departures: the store is told until it has heard; nobody waits for it for long."""

import asyncio
from typing import Any, cast

import pytest

from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, Store
from realtime.store.database.transaction import Database
from realtime.store.records import Departure, Session, SessionUpdate, Totals
from realtime.worker.sessions import departures as module
from realtime.worker.sessions.departures import DisconnectQueue, PendingDisconnect

from ..fakes import FlakyStore, eventually, record, settled


class Books:
    """A store that only hears of departures."""

    def __init__(self) -> None:
        self.suspended: list[list[str]] = []
        self.closed: list[list[str]] = []
        self.confirmed: list[list[str]] = []

    async def suspend(self, worker: str, departures: list[Departure]) -> tuple[Session, ...]:
        self.suspended.append([each.pulse.session for each in departures])
        return ()

    async def close(
        self, worker: str, departures: list[Departure], claimant: str
    ) -> tuple[Session, ...]:
        self.closed.append([each.pulse.session for each in departures])
        return tuple(record(each.pulse.session) for each in departures)

    async def confirm(self, sessions: list[str]) -> None:
        self.confirmed.append(sessions)


class Finisher(Sweeper):
    """A sweeper without a database."""

    def __init__(self, store: Any) -> None:
        nobody: Any = None
        history = History(Database("default"), days=1)
        super().__init__(store, history, nobody, nobody, claimant="w1")

    async def finish(self, claimed: Any) -> int:
        await self._store.confirm([session.id for session in claimed])
        return len(claimed)


class Office:
    """Departures with a store that can be out of reach, and who was said goodbye to."""

    def __init__(self) -> None:
        self.books = Books()
        self.fickle = FlakyStore(self.books)
        store = cast(Store, self.fickle)
        self.finisher = Finisher(store)
        self.departures = DisconnectQueue(
            store, self.finisher, SignalDispatcher(cast(Threads, None)), worker="w1", retry=0.001
        )
        self.told: list[str] = []

    def leave(self, id_: str, *, for_good: bool = False, generation: int = 1) -> None:
        pulse = SessionUpdate(id_, generation, None, 0, "visible", Totals())
        departure = Departure(pulse, 4500 if for_good else 4002, "")

        def say() -> None:
            if id_ not in self.told:
                self.told.append(id_)

        self.departures.add(PendingDisconnect(departure, for_good=for_good, goodbye=say))

    async def settle(self) -> None:
        await self.departures.settle(10.0)
        await self.finisher.settle(10.0)


@pytest.fixture
async def office() -> Any:
    office = Office()
    yield office
    await office.departures.stop()


async def test_the_store_hears_before_goodbye_is_said(office: Office) -> None:
    held = office.fickle.held["suspend"] = asyncio.Event()
    office.leave("a")
    await eventually(lambda: office.books.suspended)
    await settled()
    assert office.told == []
    held.set()
    await office.settle()
    assert office.told == ["a"]


async def test_what_ends_in_one_go_travels_in_one_batch(office: Office) -> None:
    for id_ in "abc":
        office.leave(id_)
    await office.settle()
    assert office.books.suspended == [["a", "b", "c"]]


async def test_the_suspended_and_the_closed_go_different_ways(office: Office) -> None:
    office.leave("a")
    office.leave("b", for_good=True)
    await office.settle()
    assert (office.books.suspended, office.books.closed) == ([["a"]], [["b"]])
    assert office.books.confirmed == [["b"]]


async def test_a_close_that_fails_does_not_suspend_the_others_again(office: Office) -> None:
    """A repeat would send ``session_suspended`` a second time."""
    gate = office.fickle.held["suspend"] = asyncio.Event()
    office.leave("a")
    office.leave("b", for_good=True)
    await eventually(lambda: office.books.suspended)
    office.fickle.down = True
    gate.set()
    await eventually(lambda: len(office.fickle.called("close")) > 1)
    office.fickle.down = False
    await office.settle()
    assert (office.books.suspended, office.books.closed) == ([["a"]], [["b"]])
    assert len(office.fickle.called("suspend")) == 1


async def test_with_the_store_out_of_reach_goodbye_is_said_and_the_store_told_later(
    office: Office,
) -> None:
    office.fickle.down = True
    office.leave("a")
    await eventually(lambda: office.told == ["a"])
    assert (len(office.departures), office.books.suspended) == (1, [])
    await eventually(lambda: len(office.fickle.called("suspend")) > 2)
    office.fickle.down = False
    await office.settle()
    assert (len(office.departures), office.books.suspended) == (0, [["a"]])


async def test_while_the_store_is_silent_nobody_waits_behind_a_batch(office: Office) -> None:
    office.fickle.down = True
    for number in range(BATCH + 1):
        office.leave(f"s{number}")
    await eventually(lambda: len(office.told) == BATCH + 1)
    assert len(office.fickle.called("suspend")) == 1


async def test_a_batch_is_bounded(office: Office) -> None:
    for number in range(2 * BATCH + 1):
        office.leave(f"s{number}")
    await office.settle()
    assert [len(batch) for batch in office.books.suspended] == [BATCH, BATCH, 1]


async def test_who_comes_while_the_store_is_told_is_in_the_next_batch(office: Office) -> None:
    held = office.fickle.held["suspend"] = asyncio.Event()
    office.leave("a")
    await eventually(lambda: office.books.suspended)
    office.leave("b")
    held.set()
    await office.settle()
    assert office.books.suspended == [["a"], ["b"]]


async def test_after_a_pause_it_begins_anew(office: Office) -> None:
    office.leave("a")
    await office.settle()
    office.leave("b")
    await office.settle()
    assert office.books.suspended == [["a"], ["b"]]


async def test_two_generations_of_a_session_are_two_departures(office: Office) -> None:
    office.leave("a")
    office.leave("a", generation=2)
    await office.settle()
    assert office.books.suspended == [["a", "a"]]


async def test_at_the_bound_the_oldest_is_dropped_and_told(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 2)
    for id_ in "abcd":
        office.leave(id_)
    assert (len(office.departures), office.told) == (2, ["a", "b"])
    assert len([line for line in caplog.messages if "the oldest are dropped" in line]) == 1
    await office.settle()
    assert office.books.suspended == [["c", "d"]]


async def test_on_hold_the_store_is_told_nothing(office: Office) -> None:
    office.departures.hold()
    office.leave("a")
    await settled()
    assert (office.books.suspended, office.told) == ([], [])
    office.departures.say_goodbyes()
    assert office.told == ["a"]
    office.departures.release()
    await office.settle()
    assert office.books.suspended == [["a"]]


async def test_settling_is_bounded(office: Office) -> None:
    office.fickle.held["suspend"] = asyncio.Event()
    office.leave("a")
    await office.departures.settle(0.0)
    assert len(office.departures) == 1


async def test_with_nobody_leaving_there_is_nothing_to_settle_or_stop() -> None:
    office = Office()
    await office.settle()
    await office.departures.stop()
    assert len(office.departures) == 0
