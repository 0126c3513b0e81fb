"""The rooms of sessions: ``rooms``, ``Query.room`` and ``attendance``."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from realtime.store.contract import BlockingStore
from realtime.store.records import Attendance, Order, Query, Session, SessionState

from .builders import (
    beat,
    departure,
    end_lease,
    found,
    ids,
    open_many,
    opened,
    opening,
    registration,
    returning,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture

EMPTY = Attendance(0, 0)
TWO = ("chat:1", "news")
LONG = tuple(sorted(f"{'room' * 24}{number:04}" for number in range(64)))


def here(store: BlockingStore, room: str = "news") -> list[str]:
    """The ids of the sessions in a room."""
    return ids(store.page(Query(room=room)).sessions)


def rooms(store: BlockingStore, session: str = "s1") -> tuple[str, ...]:
    """The rooms that a session shows."""
    return found(store, session).rooms


# ---------------------------------------------------------------- coming and going


def test_a_session_is_in_the_rooms_it_opens_with(store: BlockingStore) -> None:
    assert opened(store, opening(rooms=TWO)).rooms == TWO == rooms(store)
    for room in TWO:
        assert (here(store, room), store.attendance(room)) == (["s1"], Attendance(1, 1))
    assert (here(store, "chat:2"), store.attendance("chat:2")) == ([], EMPTY)


def test_a_session_may_be_in_no_room(store: BlockingStore) -> None:
    assert opened(store, opening()).rooms == () == rooms(store)
    assert here(store) == []


def test_many_rooms_with_long_names(store: BlockingStore) -> None:
    store.open(opening(rooms=LONG))
    assert rooms(store) == LONG
    assert all(store.attendance(room) == Attendance(1, 1) for room in LONG)
    assert beat(store, "w1", update(rooms=())).lost == ()
    assert (rooms(store), [room for room in LONG if here(store, room)]) == ((), [])


def test_a_repeated_open_changes_nothing(store: BlockingStore) -> None:
    store.open(opening(rooms=TWO))
    assert opened(store, opening(rooms=TWO)).rooms == TWO
    beat(store, "w1", update(rooms=("news",)))
    assert opened(store, opening(rooms=TWO)).rooms == ("news",)
    assert (store.attendance("chat:1"), store.attendance("news")) == (EMPTY, Attendance(1, 1))


def test_a_beat_reports_all_rooms_or_none(store: BlockingStore) -> None:
    store.open(opening(rooms=("a", "b")))
    beat(store, "w1", update())
    assert rooms(store) == ("a", "b")
    for _ in range(2):
        beat(store, "w1", update(rooms=("b", "c")))
        assert rooms(store) == ("b", "c")
        assert [here(store, room) for room in "abc"] == [[], ["s1"], ["s1"]]
        assert [store.attendance(room).users for room in "abc"] == [0, 1, 1]
    beat(store, "w1", update(rooms=()))
    assert (rooms(store), here(store, "b"), store.attendance("c")) == ((), [], EMPTY)


def test_a_beat_adds_a_session_to_its_first_room(store: BlockingStore) -> None:
    store.open(opening())
    beat(store, "w1", update(rooms=("news",)))
    assert (rooms(store), here(store)) == (("news",), ["s1"])
    assert store.attendance("news") == Attendance(1, 1)


def test_a_beat_changes_only_sessions_whose_rooms_changed(store: BlockingStore) -> None:
    all_ = open_many(store, 20, rooms=("news",))
    moved = [update(id_, rooms=("chat:1",)) for id_ in all_[:3]]
    kept = [update(id_, rooms=("news",)) for id_ in all_[3:6]]
    beat(store, "w1", *moved, *kept, *[update(id_) for id_ in all_[6:]])
    assert (store.attendance("news").sessions, store.attendance("chat:1").sessions) == (17, 3)
    assert sorted(here(store, "chat:1")) == all_[:3]


def test_a_beat_moves_no_session_of_another_worker(store: BlockingStore) -> None:
    store.open(opening(rooms=("news",)))
    beat(store, "w2", update(rooms=("chat:1",)))
    beat(store, "w1", update(rooms=("chat:1",), generation=0))
    assert (rooms(store), store.attendance("chat:1")) == (("news",), EMPTY)


def test_attendance_counts_users_once_and_no_anonymous_session(store: BlockingStore) -> None:
    for number, user in enumerate(["7", "7", "8", "", ""]):
        store.open(opening(f"s{number}", user=user, rooms=("news",)))
    assert store.attendance("news") == Attendance(5, 2)
    store.suspend("w1", [departure("s0")])
    assert store.attendance("news") == Attendance(4, 2)
    store.suspend("w1", [departure("s1"), departure("s3")])
    assert store.attendance("news") == Attendance(2, 1)


def test_a_resume_brings_its_own_rooms(store: BlockingStore) -> None:
    suspended(store, rooms=TWO)
    for _ in range(2):
        record = store.resume(returning(rooms=("chat:2", "news")))
        assert isinstance(record, Session)
        assert record.rooms == ("chat:2", "news") == rooms(store)
    assert [store.attendance(room).sessions for room in ("chat:1", "chat:2", "news")] == [0, 1, 1]


def test_a_taken_over_session_is_in_its_room_once(store: BlockingStore) -> None:
    store.open(opening(rooms=TWO))
    store.resume(returning(rooms=("news",)))
    assert store.attendance("news") == Attendance(1, 1)
    assert (store.attendance("chat:1"), here(store, "chat:1")) == (EMPTY, [])
    beat(store, "w1", update(rooms=("chat:1",)))
    assert (rooms(store), store.attendance("chat:1")) == (("news",), EMPTY)


def test_a_refused_resume_moves_no_session(store: BlockingStore) -> None:
    store.open(opening(rooms=("news",)))
    assert store.resume(returning(token="another", rooms=("chat:1",))) is None
    assert (here(store), here(store, "chat:1")) == (["s1"], [])


# ---------------------------------------------------------------- ends


def test_a_suspended_session_is_in_no_room_but_shows_its_last_ones(store: BlockingStore) -> None:
    assert suspended(store, rooms=TWO).rooms == TWO == rooms(store)
    assert [store.attendance(room) for room in TWO] == [EMPTY, EMPTY]
    assert [here(store, room) for room in TWO] == [[], []]


def test_the_last_rooms_come_with_the_departure(store: BlockingStore) -> None:
    store.open(opening(rooms=TWO))
    for _ in range(2):
        (record,) = store.suspend("w1", [departure(rooms=("chat:2",))])
        assert record.rooms == ("chat:2",)
    assert [store.attendance(room) for room in (*TWO, "chat:2")] == [EMPTY] * 3


def test_a_departure_before_the_welcome_has_no_rooms_of_its_own(store: BlockingStore) -> None:
    store.open(opening(rooms=TWO))
    unknown = replace(departure(generation=0, rooms=()), connection="s1, first")
    (record,) = store.suspend("w1", [unknown])
    assert record.rooms == TWO


def test_a_closed_session_shows_its_last_rooms(store: BlockingStore) -> None:
    store.open(opening(rooms=TWO))
    for _ in range(2):
        (record,) = store.close("w1", [departure(code=1000)], "w1")
        assert record.rooms == TWO
    (again,) = store.sweep("w1").claimed
    assert (again.rooms, store.attendance("news"), here(store)) == (TWO, EMPTY, [])
    store.confirm(["s1"])


def test_a_claim_that_is_taken_over_keeps_the_rooms(backend: StoreFixture) -> None:
    backend.store.open(opening(rooms=TWO))
    backend.store.close("w1", [departure(code=1000)], "w1")
    backend.advance(RESUME)
    assert backend.store.sweep("another").claimed[0].rooms == TWO


def test_a_suspended_session_has_no_rooms_at_its_end(backend: StoreFixture) -> None:
    suspended(backend.store, rooms=TWO)
    backend.advance(RESUME + 1)
    (record,) = backend.store.sweep("sweeper").claimed
    assert (record.id, record.rooms) == ("s1", ())
    backend.store.confirm(["s1"])
    assert backend.store.open(opening("s1", rooms=("news",))) is not None
    assert backend.store.attendance("news") == Attendance(1, 1)


@pytest.mark.parametrize("method", ["suspend", "close"])
def test_a_session_suspended_by_a_sweep_leaves_its_rooms_once(
    backend: StoreFixture, method: str
) -> None:
    backend.store.open(opening(rooms=TWO))
    end_lease(backend)
    assert beat(backend.store, "w2").suspended[0].rooms == TWO
    end: Callable[..., tuple[Session, ...]] = getattr(backend.store, method)
    rest = ("w1",) if method == "close" else ()
    (record,) = end("w1", [departure(rooms=TWO)], *rest)
    assert (record.rooms, backend.store.attendance("news")) == ((), EMPTY)


def test_a_leaving_worker_takes_its_sessions_out_of_their_rooms(store: BlockingStore) -> None:
    open_many(store, 3, rooms=TWO)
    beat(store, "w1")
    assert {session.rooms for session in store.leave("w1")} == {TWO}
    assert (store.attendance("news"), here(store)) == (EMPTY, [])


@pytest.mark.parametrize("passed", [LEASE + 1, SILENCE + 1], ids=["lost", "silent"])
def test_a_dead_session_is_in_no_room(backend: StoreFixture, passed: float) -> None:
    open_many(backend.store, 3, rooms=TWO)
    beat(backend.store, "w1")
    backend.advance(passed)
    swept = backend.store.sweep("sweeper").suspended
    assert [session.rooms for session in swept] == [TWO] * 3
    assert (backend.store.attendance("news"), here(backend.store)) == (EMPTY, [])


@pytest.mark.parametrize("now", [None, ("chat:2", "news")])
def test_a_reattached_session_is_back_in_its_rooms(
    backend: StoreFixture, now: tuple[str, ...] | None
) -> None:
    backend.store.open(opening(rooms=TWO))
    end_lease(backend)
    backend.store.sweep("sweeper")
    beat(backend.store, "w1", update(rooms=now))
    assert rooms(backend.store) == (now or TWO)
    assert (backend.store.attendance("news"), here(backend.store)) == (Attendance(1, 1), ["s1"])
    assert backend.store.attendance("chat:1").sessions == (now is None)


# ---------------------------------------------------------------- put back


def test_registered_sessions_are_in_their_rooms(backend: StoreFixture) -> None:
    known = [opened(backend.store, opening(f"s{n}", rooms=TWO)) for n in range(3)]
    backend.empty()
    for _ in range(2):
        assert backend.store.register("w1", [registration(session) for session in known]) == ()
        assert {session.rooms for session in backend.store.page(Query(room="news")).sessions} == {
            TWO
        }
        assert backend.store.attendance("news") == Attendance(3, 1)


def test_an_old_snapshot_is_corrected(store: BlockingStore) -> None:
    same = opened(store, opening("s1", rooms=TWO))
    older = opened(store, opening("s2", rooms=TWO))
    store.register("w1", [registration(replace(same, rooms=("chat:2",)))])
    store.register("w1", [registration(replace(older, rooms=("chat:2",), generation=2))])
    assert (here(store), sorted(here(store, "chat:2"))) == ([], ["s1", "s2"])
    assert store.attendance("news") == EMPTY
    assert store.attendance("chat:2") == Attendance(2, 1)


def test_a_session_resumed_elsewhere_keeps_its_rooms(store: BlockingStore) -> None:
    before = opened(store, opening(rooms=TWO))
    store.resume(returning(rooms=("chat:2",)))
    assert len(store.register("w1", [registration(before)])) == 1
    assert (rooms(store), store.attendance("news")) == (("chat:2",), EMPTY)


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("order", Order)
def test_pages_of_a_room_follow_each_other(store: BlockingStore, order: Order) -> None:
    all_ = open_many(store, 7, rooms=("news",))
    store.open(opening("elsewhere", rooms=("chat:1",)))
    store.suspend("w1", [departure(all_[2])])
    seen: list[str] = []
    cursor = ""
    while True:
        page = store.page(Query(room="news", order=order), limit=2, cursor=cursor)
        seen += ids(page.sessions)
        cursor = page.cursor
        if not cursor:
            break
    assert sorted(seen) == sorted({*all_} - {all_[2]})
    assert seen == [
        id_
        for id_ in ids(store.page(Query(order=order)).sessions)
        if id_ not in (all_[2], "elsewhere")
    ]


def test_a_room_combines_with_the_other_filters(store: BlockingStore) -> None:
    store.open(opening("s1", user="7", rooms=TWO))
    store.open(opening("s2", user="8", rooms=TWO))
    store.open(opening("s3", user="8", worker="w2", rooms=("news",)))
    assert here(store) == ["s3", "s2", "s1"]
    for query, sessions in [
        (Query(room="news", user="8"), ["s3", "s2"]),
        (Query(room="chat:1", user="8"), ["s2"]),
        (Query(room="news", worker="w2"), ["s3"]),
        (Query(room="news", prefix="s1"), ["s1"]),
        (Query(room="news", state=SessionState.CONNECTED), ["s3", "s2", "s1"]),
        (Query(room="news", state=SessionState.SUSPENDED), []),
        (Query(room="new"), []),
    ]:
        assert ids(store.page(query).sessions) == sessions
