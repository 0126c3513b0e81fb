"""``get``, ``page``, ``of_user`` and ``stats``."""

from typing import Any

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Order, Query, SessionState, Stats

from .builders import (
    CLOSING,
    CONNECTED,
    SUSPENDED,
    beat,
    closing,
    departure,
    ids,
    open_many,
    opening,
    pages,
    returning,
    suspended,
    totals,
    update,
)
from .store_fixtures import DAY, LEASE, StoreFixture


def listed(store: BlockingStore, **query: Any) -> list[str]:
    """The ids on one large page."""
    return sorted(ids(store.page(Query(**query)).sessions))


def leaf_through(store: BlockingStore, query: Query, limit: int) -> list[str]:
    """The ids on all pages, as they come."""
    return [id_ for page in pages(store, query, limit) for id_ in ids(page.sessions)]


# ---------------------------------------------------------------- filters


def test_an_unknown_session_is_none(store: BlockingStore) -> None:
    assert store.get("s1") is None
    assert store.get("") is None


def test_an_empty_registry_is_one_empty_page(store: BlockingStore) -> None:
    page = store.page(Query())
    assert (page.sessions, page.cursor) == ((), "")


def test_a_page_shows_the_connected_and_the_suspended(store: BlockingStore) -> None:
    store.open(opening("s1"))
    session = suspended(store, "s2")
    closing(store, "s3")
    assert listed(store) == ["s1", "s2"]
    assert session in store.page(Query()).sessions


@pytest.mark.parametrize(
    ("state", "expected"), [(CONNECTED, ["s1"]), (SUSPENDED, ["s2"]), (CLOSING, [])]
)
def test_by_state(store: BlockingStore, state: SessionState, expected: list[str]) -> None:
    store.open(opening("s1"))
    suspended(store, "s2")
    closing(store, "s3")
    assert listed(store, state=state) == expected


@pytest.mark.parametrize("field", ["user", "address", "worker"])
def test_by_exactly_this_value(store: BlockingStore, field: str) -> None:
    for session, value in (("s1", "ab"), ("s2", "a"), ("s3", "AB"), ("s4", "a%")):
        store.open(opening(session, **{field: value}))
    assert listed(store, **{field: "ab"}) == ["s1"]
    assert listed(store, **{field: "a%"}) == ["s4"]
    assert listed(store, **{field: "b"}) == []


def test_every_field_must_match(store: BlockingStore) -> None:
    store.open(opening("s1", user="7", address="10.0.0.1"))
    store.open(opening("s2", user="7", address="10.0.0.2"))
    store.open(opening("s3", user="8", address="10.0.0.1"))
    assert listed(store, user="7", address="10.0.0.1", prefix="s", state=CONNECTED) == ["s1"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a", ["a%1", "a-1", "a1", "a_1", "ab1"]),
        ("a1", ["a1"]),
        ("a_", ["a_1"]),
        ("a%", ["a%1"]),
        ("_", ["_a"]),
        ("%", []),
        ("A", ["A1"]),
        ("a\\", []),
        ("1", []),
    ],
)
def test_a_prefix_is_taken_literally(
    store: BlockingStore, prefix: str, expected: list[str]
) -> None:
    for session in ("a1", "A1", "a_1", "a%1", "a-1", "ab1", "_a", "b1"):
        store.open(opening(session))
    assert listed(store, prefix=prefix) == expected


# ---------------------------------------------------------------- order and cursor


def test_the_newest_start_comes_first(backend: StoreFixture) -> None:
    for session in ("s2", "s1", "s3"):
        backend.store.open(opening(session))
        backend.advance(1)
    backend.store.resume(returning("s2"))
    assert ids(backend.store.page(Query()).sessions) == ["s3", "s1", "s2"]


def test_the_longest_without_a_beat_comes_first(backend: StoreFixture) -> None:
    for session in ("s2", "s1", "s3"):
        backend.store.open(opening(session))
        backend.advance(1)
    beat(backend.store, "w1", update("s2"))
    page = backend.store.page(Query(order=Order.LAST_BEAT))
    assert ids(page.sessions) == ["s1", "s3", "s2"]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_show_each_session_once(backend: StoreFixture, order: Order, limit: int) -> None:
    for id_ in open_many(backend.store, 5):
        backend.advance(1)
        beat(backend.store, "w1", update(id_))
    whole = ids(backend.store.page(Query(order=order)).sessions)
    assert leaf_through(backend.store, Query(order=order), limit) == whole
    assert len(whole) == 5


def test_a_full_last_page_has_no_cursor(store: BlockingStore) -> None:
    open_many(store, 2)
    assert store.page(Query(), limit=2).cursor == ""
    assert store.page(Query(), limit=1).cursor != ""


def test_pages_show_each_session_once_where_all_beat_together(backend: StoreFixture) -> None:
    known = open_many(backend.store, 7)
    backend.advance(1)
    beat(backend.store, "w1", *map(update, known))
    found = leaf_through(backend.store, Query(order=Order.LAST_BEAT), 2)
    assert sorted(found) == known


def test_a_cursor_outlives_the_session_it_names(backend: StoreFixture) -> None:
    for _ in open_many(backend.store, 4):
        backend.advance(1)
    first = backend.store.page(Query(), limit=2)
    backend.store.close("w1", [departure(first.sessions[1].id)], "w1")
    rest = backend.store.page(Query(), limit=2, cursor=first.cursor)
    assert len(rest.sessions) == 2
    assert not set(ids(rest.sessions)) & set(ids(first.sessions))


def test_a_new_session_shifts_no_other_to_another_page(backend: StoreFixture) -> None:
    open_many(backend.store, 4)
    whole = ids(backend.store.page(Query()).sessions)
    first = backend.store.page(Query(), limit=2)
    backend.advance(1)
    backend.store.open(opening("new"))
    rest = backend.store.page(Query(), limit=2, cursor=first.cursor)
    assert ids(first.sessions) + ids(rest.sessions) == whole


def test_a_filter_applies_to_all_pages(store: BlockingStore) -> None:
    open_many(store, 4)
    for number in range(3):
        store.open(opening(f"other {number}", user="8"))
    assert len(leaf_through(store, Query(user="7"), 2)) == 4


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("cursor", ["nonsense", ".", "x.s1", ".s1", "--1.s1"])
def test_a_bad_cursor_is_a_value_error(store: BlockingStore, order: Order, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        store.page(Query(order=order), cursor=cursor)


def test_a_made_up_cursor_is_only_a_place(store: BlockingStore) -> None:
    open_many(store, 2)
    assert store.page(Query(), cursor=f"{10**30}.s1").sessions != ()
    assert store.page(Query(), cursor="-1.s1").sessions == ()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_holds_at_least_one(store: BlockingStore, limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        store.page(Query(), limit=limit)


def test_of_user_shows_the_newest_first(backend: StoreFixture) -> None:
    for session in ("s2", "s1", "s3"):
        backend.store.open(opening(session))
        backend.advance(1)
    backend.store.open(opening("s4", user="8"))
    backend.store.suspend("w1", [departure("s1")])
    closing(backend.store, "s5")
    assert ids(backend.store.of_user("7")) == ["s3", "s1", "s2"]


# ---------------------------------------------------------------- numbers


def test_the_stats_of_an_empty_registry(store: BlockingStore) -> None:
    assert store.stats() == Stats(0, 0, 0, 0, 0, 0, 0, 0, 0, None)


def test_the_stats_of_a_registry(store: BlockingStore) -> None:
    store.open(opening("s1", user="7"))
    store.open(opening("s2", user="7"))
    store.open(opening("s3", user="8", worker="w2"))
    store.open(opening("s4", user=""))
    suspended(store, "s5", user="9")
    closing(store, "s6")
    beat(store, "w1", update("s1", missed=2), connections=3, pings=10, pongs=8, timeouts=1)
    beat(store, "w2", pings=5, pongs=5, timeouts=2)
    assert store.stats() == Stats(
        connected=4,
        users=2,
        healthy=3,
        unhealthy=1,
        suspended=1,
        workers=2,
        pings=15,
        pongs=13,
        timeouts=3,
    )


def test_a_suspended_session_is_neither_healthy_nor_unhealthy(store: BlockingStore) -> None:
    store.open(opening())
    store.suspend("w1", [departure(missed=3)])
    stats = store.stats()
    assert (stats.healthy, stats.unhealthy, stats.suspended) == (0, 0, 1)


def test_only_live_leases_are_workers(backend: StoreFixture) -> None:
    beat(backend.store, "w1")
    backend.advance(LEASE - 1)
    beat(backend.store, "w2")
    assert backend.store.stats().workers == 2
    backend.advance(2)
    assert backend.store.stats().workers == 1


def test_totals_are_absolute(store: BlockingStore) -> None:
    for _ in range(2):
        beat(store, "w1", pings=3, pongs=2, timeouts=1)
    assert totals(store) == (3, 2, 1)
    beat(store, "w1", pings=4, pongs=3, timeouts=1)
    assert totals(store) == (4, 3, 1)


def test_totals_outlive_their_worker(backend: StoreFixture) -> None:
    beat(backend.store, "w1", pings=3, pongs=2, timeouts=1)
    beat(backend.store, "w2", pings=3, pongs=2, timeouts=1)
    backend.store.leave("w2")
    backend.advance(LEASE + 1)
    backend.store.sweep("sweeper")
    assert totals(backend.store) == (6, 4, 2)


def test_nothing_is_counted_twice_when_a_worker_returns(backend: StoreFixture) -> None:
    beat(backend.store, "w1", pings=3, pongs=2, timeouts=1)
    backend.advance(DAY - 1)
    backend.store.sweep("sweeper")
    beat(backend.store, "w1", pings=4, pongs=3, timeouts=1)
    assert totals(backend.store) == (4, 3, 1)


def test_nothing_is_counted_twice_when_old_workers_are_deleted(backend: StoreFixture) -> None:
    beat(backend.store, "w1", pings=3, pongs=2, timeouts=1)
    beat(backend.store, "w2", pings=1, pongs=1, timeouts=1)
    backend.advance(LEASE + 1)
    backend.store.sweep("sweeper")
    for _ in range(3):
        backend.advance(DAY)
        backend.store.sweep("sweeper")
        beat(backend.store, "w3", pings=1)
        assert totals(backend.store) == (5, 3, 2)
