"""The functions for application code, sync and async."""

import uuid
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from realtime import api, composition
from realtime.models import LiveSession
from realtime.store.records import Attendance, Opening, Peer
from realtime.worker import instances

pytestmark = pytest.mark.django_db(transaction=True)


def connect(id_: str, user: str = "1", rooms: tuple[str, ...] = ()) -> None:
    peer = Peer(user=user, address="10.0.0.1")
    opening = Opening(id_, "hash", f"c-{id_}", "w1", peer, rooms=rooms)
    composition.blocking_store().open(opening)


def asked() -> dict[str, tuple[int, str]]:
    rows = LiveSession.objects.exclude(close_code=0)
    return {row.id: (row.close_code, row.close_reason) for row in rows}


def test_a_session_is_kicked() -> None:
    connect("a")
    connect("b")
    assert api.kick("a") is True
    assert asked() == {"a": (4500, "")}


def test_a_kick_takes_a_code_and_a_reason() -> None:
    connect("a")
    api.kick("a", code=4008, reason="come back")
    assert asked() == {"a": (4008, "come back")}


@pytest.mark.parametrize("code", [0, 999, 1000, 1006, 3000, 5000])
def test_a_kick_requires_an_application_s_code(code: int) -> None:
    """Servers cannot send other codes, and 0 means no request in the store."""
    with pytest.raises(ValueError, match="4000 to 4999"):
        api.kick("s1", code=code)


def test_an_unknown_session_is_not_kicked() -> None:
    assert api.kick("unknown") is False


def test_all_sessions_of_a_user_are_kicked() -> None:
    connect("a")
    connect("b")
    connect("c", user="2")
    assert api.kick_user(1, reason="out") == 2
    assert asked() == {"a": (4500, "out"), "b": (4500, "out")}


def test_a_kick_is_rolled_back_with_its_transaction() -> None:
    connect("a")
    with transaction.atomic():
        api.kick("a")
        transaction.set_rollback(True)
    assert asked() == {}


def enter(id_: str, *rooms: str, user: str = "1") -> None:
    opening = Opening(id_, "hash", f"c-{id_}", "w1", Peer(user=user), rooms=rooms)
    composition.blocking_store().open(opening)


def test_presence_and_attendance_of_a_room() -> None:
    enter("a", "chat:1", "news")
    enter("b", "news", user="2")
    enter("c", "news")
    assert {session.id for session in api.presence("news")} == {"a", "b", "c"}
    assert len(api.presence("news", limit=2)) == 2
    assert api.attendance("news") == Attendance(sessions=3, users=2)
    assert (api.presence("chat:2"), api.attendance("chat:2")) == ((), Attendance(0, 0))


async def test_async_presence_and_attendance_of_a_room() -> None:
    await sync_to_async(enter)("a", "news")
    assert [session.id for session in await api.apresence("news", limit=1)] == ["a"]
    assert await api.aattendance("news") == Attendance(1, 1)


@pytest.mark.parametrize("name", ["", "a room", "x" * 101])
def test_an_invalid_room_name_raises(name: str) -> None:
    """An empty name must not match all sessions."""
    connect("a")
    for ask in (api.presence, api.attendance):
        with pytest.raises(ValueError, match="expected a room"):
            ask(name)


def test_sessions_of_a_user_are_found_by_object_and_by_key() -> None:
    user = User.objects.create_user("ada")
    connect("a", user=str(user.pk))
    connect("b", user="other")
    for who in (user, user.pk, str(user.pk)):
        assert [session.id for session in api.sessions_of(who)] == ["a"]


def test_a_key_may_be_a_uuid() -> None:
    key = uuid.uuid4()
    connect("a", user=str(key))
    for who in (key, SimpleNamespace(pk=key)):
        assert [session.id for session in api.sessions_of(who)] == ["a"]


@pytest.mark.parametrize("user", [AnonymousUser(), User(), None])
def test_no_session_is_that_of_a_user_without_a_key(user: Any) -> None:
    """Neither those of anonymous clients, nor all."""
    for number, name in enumerate(("", "None", "1")):
        connect(f"s{number}", user=name)
    assert (api.kick_user(user), api.sessions_of(user), api.sessions(user=user)) == (0, (), ())
    assert asked() == {}


async def test_async_twins_find_no_session_of_a_user_without_a_key() -> None:
    await sync_to_async(connect)("a", user="")
    user = AnonymousUser()
    assert await api.akick_user(user) == 0
    assert await api.asessions_of(user) == await api.asessions(user=user) == ()


def test_sessions_are_listed_and_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BATCH", 2)
    for number in range(5):
        connect(f"s{number}", user=str(number % 2), rooms=("news",) if number else ())
    assert [session.id for session in api.sessions()] == [f"s{n}" for n in (4, 3, 2, 1, 0)]
    assert [session.id for session in api.sessions(user=1)] == ["s3", "s1"]
    assert [session.id for session in api.sessions(room="news", user="0")] == ["s4", "s2"]
    assert len(api.sessions(state="connected", address="10.0.0.1", worker="w1")) == 5
    assert api.sessions(state="suspended") == api.sessions(worker="w2") == ()
    for wrong in ({"room": "no room"}, {"state": "closing down"}):
        for ask in (api.sessions, api.iter_sessions, api.aiter_sessions):
            with pytest.raises(ValueError, match=r"no room|closing down"):
                ask(**wrong)


def test_an_iterator_reads_one_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BATCH", 2)
    for number in range(4):
        connect(f"s{number}")
    sessions = api.iter_sessions()
    assert next(sessions).id == "s3"
    connect("late")  # newer than what the iterator has read
    assert [session.id for session in sessions] == ["s2", "s1", "s0"]


def test_stats_count_the_whole_store() -> None:
    connect("a")
    connect("b", user="2")
    stats = api.stats()
    assert (stats.connected, stats.users) == (2, 2)


TWINS: dict[str, Callable[[], Awaitable[Any]]] = {
    "kick": lambda: api.akick("a", reason="out"),
    "kick_user": lambda: api.akick_user("1", reason="out"),
    "sessions_of": lambda: api.asessions_of("1"),
    "stats": api.astats,
    "sessions": lambda: api.asessions(user="1"),
}
SYNC: dict[str, Callable[[], Any]] = {
    "kick": lambda: api.kick("a", reason="out"),
    "kick_user": lambda: api.kick_user("1", reason="out"),
    "sessions_of": lambda: api.sessions_of("1"),
    "stats": api.stats,
    "sessions": lambda: api.sessions(user="1"),
}


@pytest.fixture
def connected() -> None:
    connect("a")


@pytest.mark.parametrize("name", TWINS)
async def test_an_async_twin_does_the_same(connected: None, name: str) -> None:
    from asgiref.sync import sync_to_async

    answer = await TWINS[name]()
    assert answer == await sync_to_async(SYNC[name])()
    assert answer


def test_each_function_has_an_async_twin() -> None:
    functions = {name for name in api.__all__ if name.islower()}
    sync = {name for name in functions if f"a{name}" in functions}
    assert {f"a{name}" for name in sync} | sync == functions
    assert set(SYNC) <= sync


def test_a_kick_makes_this_process_flush_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    worker = SimpleNamespace(flush_and_sweep_soon=lambda: calls.append("soon"))
    monkeypatch.setattr(instances, "running", lambda: [worker])
    api.kick("unknown")
    assert calls == ["soon"]
