"""``room_left``: once for each room that a session has left, whichever process notices."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

from realtime.common.threads import Threads
from realtime.ending.history import History
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.signals import room_joined, room_left, send_for_rooms
from realtime.store.database import DatabaseStore
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Session
from tests.store.builders import departure, opening, report, returning, update
from tests.store.store_fixtures import CLAIM, LEASE, RESUME, TIMEOUTS

pytestmark = pytest.mark.django_db(transaction=True)

ROOMS = ("chat:1", "news")
LEFT = [("s1", "chat:1"), ("s1", "news"), ("s2", "chat:1"), ("s2", "news")]


class Place:
    """One of the processes that notice: threads, store and sweeper of its own."""

    def __init__(self, database: Database, name: str) -> None:
        self.threads = Threads()
        sessions = BlockingDatabaseStore(database, TIMEOUTS)
        self.store = DatabaseStore(sessions, self.threads, timeout=10.0)
        history = History(database, days=30)
        self.dispatcher = SignalDispatcher(self.threads)
        self.sweeper = Sweeper(self.store, history, self.threads, self.dispatcher, claimant=name)

    async def sweep(self) -> None:
        """A sweep, and until receivers have heard of it."""
        await self.sweeper.sweep()
        await self.dispatcher.settle()

    async def suspended(self, sessions: Iterable[Session]) -> None:
        """Tell of these, and until receivers have heard."""
        self.dispatcher.dispatch_suspended(sessions)
        await self.dispatcher.settle()

    async def aclose(self) -> None:
        await self.store.aclose()
        await self.threads.aclose()


@pytest.fixture
def database() -> Database:
    return Database("default")


@pytest.fixture
async def places(database: Database) -> AsyncIterator[list[Place]]:
    places = [Place(database, name) for name in ("here", "there")]
    yield places
    for place in places:
        await place.aclose()


@pytest.fixture
async def place(places: list[Place]) -> Place:
    """Two sessions are connected to w1 and in two rooms."""
    place = places[0]
    for id_ in ("s1", "s2"):
        await place.store.open(opening(id_, rooms=ROOMS))
    await place.store.beat(report("w1"), [update("s1"), update("s2")])
    return place


@pytest.fixture
def left() -> Iterator[list[tuple[str, str]]]:
    """The signals of a receiver behind one that raises."""
    heard: list[tuple[str, str]] = []

    def clumsy(**_: Any) -> None:
        raise RuntimeError("not my day")

    def receiver(session: Session, room: str, **_: Any) -> None:
        heard.append((session.id, room))

    for each in (clumsy, receiver):
        room_left.connect(each)
    yield heard
    for each in (clumsy, receiver):
        room_left.disconnect(each)


async def test_sessions_of_a_crashed_worker_leave_once(
    place: Place, places: list[Place], database: Database, left: list[tuple[str, str]]
) -> None:
    for passed in (LEASE, RESUME, CLAIM):
        database.clock_offset += passed + 1
        await asyncio.gather(*[each.sweep() for each in places])
        assert sorted(left) == LEFT


async def test_those_that_a_worker_suspends_leave_once(
    place: Place, database: Database, left: list[tuple[str, str]]
) -> None:
    gone = [departure("s1"), departure("s2", rooms=("chat:2",))]
    await place.suspended(await place.store.suspend("w1", gone))
    assert sorted(left) == [*LEFT[:2], ("s2", "chat:2")]
    database.clock_offset += RESUME + 1
    await place.sweep()
    assert len(left) == 3


async def test_those_that_are_closed_while_connected_leave_with_it(
    place: Place, left: list[tuple[str, str]]
) -> None:
    gone = [departure(id_, code=1000) for id_ in ("s1", "s2")]
    claimed = await place.store.close("w1", gone, "here")
    for _ in range(2):
        await place.sweeper.finish(claimed)
    await place.dispatcher.settle()
    assert sorted(left) == LEFT


async def test_what_a_dead_claimant_has_not_told_is_told_by_another(
    place: Place, places: list[Place], database: Database, left: list[tuple[str, str]]
) -> None:
    await place.store.close("w1", [departure("s1", code=1000)], "here")
    database.clock_offset += CLAIM + 1
    await place.store.beat(report("w1"), [update("s2")])
    await places[1].sweep()
    assert left == LEFT[:2]


async def test_who_comes_back_leaves_again(place: Place, left: list[tuple[str, str]]) -> None:
    for number in (1, 2):
        gone = await place.store.suspend("w1", [departure("s1", generation=number)])
        await place.suspended(gone)
        again = returning("s1", worker="w1", connection=str(number), rooms=("news",))
        assert await place.store.resume(again)
    assert left == [*LEFT[:2], ("s1", "news")]


async def test_who_has_come_into_rooms(place: Place) -> None:
    heard: list[tuple[str, str]] = []

    def receiver(session: Session, room: str, **_: Any) -> None:
        heard.append((session.id, room))

    session = await place.store.get("s1")
    assert session is not None
    room_joined.connect(receiver)
    try:
        send_for_rooms(room_joined, session, session.rooms)
    finally:
        room_joined.disconnect(receiver)
    assert heard == LEFT[:2]
