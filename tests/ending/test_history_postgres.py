"""The history on PostgreSQL, with its timestamps and concurrent transactions."""

from typing import Any

import pytest
from django.db import connections

from realtime.ending.history import History
from realtime.models import ClosedSession
from realtime.store.database.transaction import Database
from realtime.store.records import Session

from .test_history import START, check_cut_texts, closed, in_threads, receiving


@pytest.fixture
def history(postgres_database: str) -> History:
    return History(Database(postgres_database), days=30)


@pytest.mark.parametrize("use_tz", [True, False])
def test_timestamps_keep_their_moment(history: History, settings: Any, use_tz: bool) -> None:
    settings.USE_TZ = use_tz
    assert len(history.record([closed(last_beat=START + 61_500), closed("s2")])) == 2
    with connections["postgresql"].cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(EPOCH FROM opened_at), EXTRACT(EPOCH FROM last_seen),"
            " EXTRACT(EPOCH FROM clock_timestamp() - closed_at)"
            " FROM realtime_closedsession WHERE session = 's1'"
        )
        opened_at, last_seen, age = map(float, cursor.fetchone())
    assert (opened_at, last_seen) == (START / 1000, START / 1000 + 61.5)
    assert abs(age) < 60


def test_only_new_rows_send_a_signal(history: History) -> None:
    heard: list[str] = []

    def receiver(session: Session, **_: Any) -> None:
        heard.append(session.id)

    with receiving(receiver):
        assert [len(history.record([closed("s2")])) for _ in range(2)] == [1, 0]
        sessions = [closed(f"s{number}") for number in range(1, 4)]
        assert [len(history.record(sessions)) for _ in range(2)] == [2, 0]
    assert len(history.record([])) == 0
    assert heard == ["s2", "s1", "s3"]
    assert ClosedSession.objects.using("postgresql").count() == 3


def test_two_at_once_make_one_row_each(history: History) -> None:
    sessions = [closed(f"s{number}") for number in range(20)]
    assert sum(in_threads(2, lambda: len(history.record(sessions)))) == 20
    assert ClosedSession.objects.using("postgresql").count() == 20


def test_a_text_that_no_column_accepts_is_cut(history: History) -> None:
    check_cut_texts(history, "postgresql")
