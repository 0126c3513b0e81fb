"""The store on a database: statements of a call, its clock, its order."""

import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from realtime.models import LiveSession, Membership, Worker
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.database.transaction import Database
from realtime.store.records import Query

from .builders import beat, departure, ids, open_many, opening, returning, update
from .store_fixtures import DAY, TIMEOUTS
from .test_database_store import CountingDatabase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database() -> CountingDatabase:
    return CountingDatabase()


@pytest.fixture
def sessions(database: CountingDatabase) -> BlockingDatabaseStore:
    return BlockingDatabaseStore(database, TIMEOUTS)


# ---------------------------------------------------------------- queries


def queries(call: Callable[[], object]) -> list[str]:
    """The statements of a call, without their values."""
    with CaptureQueriesContext(connection) as context:
        call()
    return [re.sub(r"'[^']*'|\b\d+\b", "?", query["sql"]) for query in context]


@pytest.mark.parametrize("rooms", [(), ("chat:1", "news")])
def test_unchanged_rooms_cost_no_query(
    sessions: BlockingDatabaseStore, rooms: tuple[str, ...]
) -> None:
    """No statement names memberships, also with sessions in rooms."""
    known = open_many(sessions, 5, rooms=rooms)
    beat(sessions, "w1")
    calls: list[Callable[[], object]] = [
        lambda: beat(sessions, "w1", *map(update, known)),
        lambda: beat(sessions, "w1", *[update(id_, rooms=rooms) for id_ in known]),
        lambda: sessions.resume(returning(known[0], rooms=rooms)),
        lambda: sessions.suspend("w1", [departure(id_) for id_ in known[1:3]]),
        lambda: sessions.close("w1", [departure(id_) for id_ in known[3:]], "w1"),
        lambda: sessions.leave("w2"),
        lambda: sessions.page(Query()),
        lambda: sessions.of_user("7"),
    ]
    if not rooms:
        calls += [
            lambda: sessions.open(opening("new")),
            lambda: sessions.confirm(known[3:]),
            lambda: sessions.sweep("w1"),
        ]
    assert not [q for call in calls for q in queries(call) if "membership" in q]


def test_changed_rooms_of_a_beat_are_written_together(sessions: BlockingDatabaseStore) -> None:
    def statements(count: int) -> int:
        moved = [update(id_, rooms=(f"chat:{count}", "news")) for id_ in known[:count]]
        return len(queries(lambda: beat(sessions, "w1", *moved)))

    known = open_many(sessions, 40, rooms=("lobby",))
    beat(sessions, "w1")
    assert statements(2) == statements(40)


def test_no_membership_is_left_behind(sessions: BlockingDatabaseStore) -> None:
    known = open_many(sessions, 9, rooms=("chat:1", "news"))
    sessions.resume(returning(known[0], rooms=("news",)))
    sessions.close("w1", [departure(id_) for id_ in known[1:4]], "w1")
    sessions.confirm(known)
    sessions.suspend("w1", [departure(id_) for id_ in known[4:]])
    assert Membership.objects.count() == 1 + 5 * 2
    for _ in range(2):
        sessions.database.clock_offset += DAY
        sessions.sweep("sweeper")
        sessions.confirm(known)
    assert (Membership.objects.count(), LiveSession.objects.count()) == (0, 0)


# ---------------------------------------------------------------- clock, order


def test_the_clock_is_the_databases_turned_by_its_offset() -> None:
    straight, turned = Database("default"), Database("default", clock_offset=3600)
    assert 3_599_000 < turned.now() - straight.now() < 3_660_000


def test_the_clock_moves_within_a_transaction(database: CountingDatabase) -> None:
    with transaction.atomic():
        first = database.now()
        while database.now() == first:
            pass
        assert database.now() > first


def test_an_unknown_database_is_named_in_the_error(
    database: CountingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "vendor", "oracle")
    with pytest.raises(ImproperlyConfigured, match="one of sqlite, postgresql, mysql"):
        database.now()


def test_after_a_month_no_worker_is_left(
    sessions: BlockingDatabaseStore, database: CountingDatabase
) -> None:
    beat(sessions, "w1", pings=3)
    for days in (2, 30):
        database.clock_offset += days * DAY
        sessions.sweep("sweeper")
        sessions.sweep("sweeper")
    assert not Worker.objects.exists()


def test_pages_show_each_session_once_where_all_began_together(
    sessions: BlockingDatabaseStore,
) -> None:
    known = open_many(sessions, 7)
    LiveSession.objects.update(opened_at=1)
    found, cursor = [], ""
    for _ in range(4):
        page = sessions.page(Query(), limit=2, cursor=cursor)
        found += ids(page.sessions)
        cursor = page.cursor
    assert (sorted(found), cursor) == (known, "")
