"""The history: one row and one signal for each session that has ended."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from msgspec.structs import replace

from realtime.common.datetimes import to_datetime
from realtime.ending.history import MAX_PRUNED, History, newest_first
from realtime.models import ClosedSession
from realtime.signals import send, session_closed, session_opened
from realtime.store.contract import StoreUnavailable
from realtime.store.database.transaction import Database
from realtime.store.records import Peer, Session, SessionState, Totals

pytestmark = pytest.mark.django_db(transaction=True)

START = 1_700_000_000_000
DAY = 24 * 3600


def closed(id_: str = "s1", **given: Any) -> Session:
    """An ended session."""
    values: dict[str, Any] = {
        "state": SessionState.CLOSING,
        "generation": 1,
        "worker": "",
        "peer": Peer("7", "ada", "digest", "10.0.0.1", "Firefox"),
        "opened_at": START,
        "connected_at": START,
        "last_beat": START,
        "end_code": 1000,
        "end_reason": "bye",
        **given,
    }
    return Session(id_, **values)


@pytest.fixture
def database() -> Database:
    return Database("default")


@pytest.fixture
def history(database: Database) -> History:
    return History(database, days=30)


@contextmanager
def receiving(receiver: Callable[..., None]) -> Iterator[None]:
    """Connect a receiver of ``session_closed`` within this context."""
    session_closed.connect(receiver)
    try:
        yield
    finally:
        session_closed.disconnect(receiver)


@pytest.fixture
def heard() -> Iterator[list[tuple[str, int, str]]]:
    """Id, code and reason of each ``session_closed``."""
    heard: list[tuple[str, int, str]] = []

    def receiver(session: Session, code: int, reason: str, **_: Any) -> None:
        heard.append((session.id, code, reason))

    with receiving(receiver):
        yield heard


def in_threads(count: int, call: Callable[[], int]) -> list[int]:
    """The results of as many calls at once, each on a connection of its own."""
    together = threading.Barrier(count)

    def run() -> int:
        together.wait(10)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(count)]]


# ---------------------------------------------------------------- the row


def test_a_row_has_user_times_code_and_counts(history: History) -> None:
    totals = Totals(pings=3, pongs=2, invalid_pongs=1, misses=4, frames_in=9, frames_out=8)
    session = closed(generation=3, last_beat=START + 61_500, totals=totals)
    assert len(history.record([session])) == 1
    row = ClosedSession.objects.get()
    assert (row.session, row.user, row.username) == ("s1", "7", "ada")
    assert (row.address, row.agent, row.resumes) == ("10.0.0.1", "Firefox", 2)
    assert (row.opened_at.timestamp(), row.last_seen.timestamp()) == (
        1_700_000_000,
        1_700_000_061.5,
    )
    assert (row.duration, row.code, row.reason) == (61.5, 1000, "bye")
    assert Totals(*(getattr(row, name) for name in Totals.__struct_fields__)) == totals


def test_closed_at_is_the_store_s_time(history: History, database: Database) -> None:
    database.clock_offset = 5 * DAY
    before = database.now()
    history.record([closed()])
    row = ClosedSession.objects.get()
    assert before <= row.closed_at.timestamp() * 1000 <= database.now()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
def test_times_are_as_django_writes_them(history: History, in_zone: None, zone: str) -> None:
    history.record([closed(opened_at=START + 123)])
    row = ClosedSession.objects.get(
        opened_at=to_datetime(START + 123), last_seen=to_datetime(START)
    )
    assert row.opened_at.timestamp() == START / 1000 + 0.123
    assert row.closed_at.timestamp() == pytest.approx(time.time(), abs=60)


@pytest.fixture
def in_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database's connection is in this zone."""

    def forget() -> None:
        for name in ("timezone", "timezone_name"):
            connection.__dict__.pop(name, None)  # Django keeps them

    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", zone)
    forget()
    yield
    monkeypatch.undo()
    forget()


def test_rows_are_written_without_timezones(history: History, settings: Any) -> None:
    settings.USE_TZ = False
    assert len(history.record([closed()])) == 1
    row = ClosedSession.objects.get()
    assert row.opened_at.timestamp() == START / 1000
    assert history.prunable() == 0


def test_a_text_that_no_column_accepts_is_cut(history: History) -> None:
    """PostgreSQL accepts neither a NUL nor a text that is too long."""
    check_cut_texts(history, "default")


def check_cut_texts(history: History, alias: str) -> None:
    long = "\0" + "x" * 400
    peer = Peer(user=long, username=long, login="digest", address=long, agent=long)
    assert len(history.record([closed("s1", peer=peer, end_reason=long), closed("s2")])) == 2
    row = ClosedSession.objects.using(alias).get(session="s1")
    lengths = [len(text) for text in (row.user, row.username, row.address, row.agent, row.reason)]
    assert lengths == [255, 255, 64, 300, 200]


def test_a_row_outlives_its_user(history: History) -> None:
    user = User.objects.create(username="ada")
    history.record([closed(peer=Peer(str(user.pk), "ada"))])
    user.delete()
    assert ClosedSession.objects.get().username == "ada"


def test_a_user_key_may_be_any_text(history: History) -> None:
    key = uuid4()
    history.record([closed("s1", peer=Peer(str(key))), closed("s2", peer=Peer())])
    assert ClosedSession.objects.get(user=str(key)).session == "s1"
    assert ClosedSession.objects.get(user="").session == "s2"


def test_no_sessions_make_no_row(history: History) -> None:
    assert len(history.record([])) == 0


# ---------------------------------------------------------------- once


def test_a_session_makes_one_row_and_one_signal(history: History, heard: list[Any]) -> None:
    assert [len(history.record([closed()])) for _ in range(3)] == [1, 0, 0]
    assert ClosedSession.objects.count() == 1
    assert heard == [("s1", 1000, "bye")]


def test_only_new_rows_send_a_signal(history: History, heard: list[Any]) -> None:
    history.record([closed("s1")])
    assert len(history.record([closed("s1"), closed("s2"), closed("s3")])) == 2
    assert [id_ for id_, *_ in heard] == ["s1", "s2", "s3"]


def test_a_session_given_twice_makes_one_row(history: History, heard: list[Any]) -> None:
    assert len(history.record([closed(), closed()])) == 1
    assert len(heard) == 1


def test_the_first_record_of_a_session_counts(history: History, heard: list[Any]) -> None:
    history.record([closed(end_code=1000)])
    history.record([closed(end_code=1006)])
    assert ClosedSession.objects.get().code == 1000
    assert [code for _, code, _ in heard] == [1000]


def test_two_at_once_make_one_row_and_one_signal_each(history: History, heard: list[Any]) -> None:
    sessions = [closed(f"s{number}") for number in range(20)]
    recorded = in_threads(2, lambda: len(history.record(sessions)))
    assert sum(recorded) == 20
    assert ClosedSession.objects.count() == 20
    assert sorted(id_ for id_, *_ in heard) == sorted(session.id for session in sessions)


def test_two_calls_in_opposite_order_do_not_deadlock(history: History, heard: list[Any]) -> None:
    orders = [[closed(f"s{number}") for number in range(20)] for _ in range(2)]
    orders[1].reverse()
    assert sum(in_threads(2, lambda: len(history.record(orders.pop())))) == 20
    assert len(heard) == 20


# ---------------------------------------------------------------- receivers


def test_a_receiver_may_write(history: History) -> None:
    def receiver(session: Session, **_: Any) -> None:
        User.objects.create(username=session.id)

    with receiving(receiver):
        history.record([closed("s1"), closed("s2")])
    assert User.objects.count() == 2


def test_a_receiver_that_raises_affects_no_other(
    history: History, heard: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def receiver(**_: Any) -> None:
        raise ValueError("a mistake")

    with receiving(receiver):
        assert len(history.record([closed("s1"), closed("s2")])) == 2
    assert ClosedSession.objects.count() == len(heard) == 2
    assert "a mistake" in caplog.text


def test_a_receiver_whose_query_fails_loses_only_its_own_writes(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    def receiver(session: Session, **_: Any) -> None:
        User.objects.create(username=session.id)
        if session.id == "s1":
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM no_such_table")

    with receiving(receiver):
        assert len(history.record([closed("s1"), closed("s2")])) == 2
    assert list(User.objects.values_list("username", flat=True)) == ["s2"]
    assert ClosedSession.objects.count() == 2
    assert "a receiver of session_closed failed" in caplog.text


def test_a_failed_query_that_a_receiver_hides_keeps_the_row(history: History) -> None:
    def receiver(**_: Any) -> None:
        try:
            User.objects.create(username="taken")
        except DatabaseError:
            return

    with receiving(receiver):
        assert len(history.record([closed("s1"), closed("s2")])) == 2
    assert ClosedSession.objects.count() == 2


def test_a_receiver_s_writes_are_rolled_back_with_the_row(history: History) -> None:
    def receiver(session: Session, **_: Any) -> None:
        if session.id == "s2":
            raise KeyboardInterrupt  # the process ends before the commit
        User.objects.create(username=session.id)

    with receiving(receiver), pytest.raises(KeyboardInterrupt):
        history.record([closed("s1"), closed("s2")])
    assert User.objects.count() == ClosedSession.objects.count() == 0
    assert len(history.record([closed("s1"), closed("s2")])) == 2


def test_a_failing_receiver_of_other_signals_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def receiver(session: Session, **_: Any) -> None:
        heard.append(session.id)
        raise ValueError("a mistake")

    session_opened.connect(receiver)
    try:
        for id_ in ("s1", "s2"):
            send(session_opened, closed(id_))
    finally:
        session_opened.disconnect(receiver)
    assert heard == ["s1", "s2"]
    assert "a mistake" in caplog.text


# ---------------------------------------------------------------- pruning


def test_rows_are_pruned_after_history_days(history: History, database: Database) -> None:
    history.record([closed("old")])
    database.clock_offset += 20 * DAY
    history.record([closed("new")])
    assert (history.prunable(), history.prune()) == (0, 0)
    database.clock_offset += 10 * DAY + 1
    assert (history.prunable(), history.prunable(), history.prune()) == (1, 1, 1)
    assert ClosedSession.objects.get().session == "new"
    assert (history.prunable(), history.prune()) == (0, 0)


def test_pruning_goes_in_steps_from_the_oldest_on(history: History, database: Database) -> None:
    for day in range(3):
        history.record([closed(f"{day}-{number}") for number in range(MAX_PRUNED - 1)])
        database.clock_offset += DAY
    database.clock_offset += 30 * DAY
    assert history.prune() == MAX_PRUNED
    left = ClosedSession.objects.values_list("session", flat=True)
    assert len(left) == 2 * MAX_PRUNED - 3
    assert not [session for session in left if session.startswith("0-")]
    assert [history.prune() for _ in range(3)] == [MAX_PRUNED, MAX_PRUNED - 3, 0]


def test_the_history_is_read_in_chunks_from_the_newest_on(
    history: History, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    history.record([closed(f"s{number}") for number in range(5)])
    monkeypatch.setattr("realtime.ending.history.CHUNK", 2)
    with django_assert_num_queries(4):
        chunks = list(newest_first(ClosedSession.objects.all()))
    read = [[row.session for row in chunk] for chunk in chunks]
    assert read == [["s4", "s3"], ["s2", "s1"], ["s0"]]


def test_the_days_may_be_a_fraction(database: Database) -> None:
    history = History(database, days=0.5)
    history.record([closed()])
    database.clock_offset += DAY / 2 + 1
    assert history.prune() == 1


def test_the_days_count_from_the_end_of_a_session(history: History, database: Database) -> None:
    history.record([replace(closed(), opened_at=0)])
    assert history.prune() == 0


def test_a_database_that_fails_is_an_unavailable_store(history: History) -> None:
    calls = [lambda: history.record([closed()]), history.prune, history.prunable]
    for call in calls:
        connection.ensure_connection()
        connection.connection.set_progress_handler(lambda: True, 1)  # SQLite interrupts itself
        try:
            with pytest.raises(StoreUnavailable):
                call()
        finally:
            if connection.connection:  # a failing call has closed it
                connection.connection.set_progress_handler(None, 1)
