"""``open`` and ``resume``."""

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Peer, Session, Totals, Verdict

from .builders import (
    CONNECTED,
    SUSPENDED,
    beat,
    closing,
    departure,
    opened,
    opening,
    pulse,
    returning,
    state,
    suspended,
)
from .kinds import LEASE, RESUME, SILENCE, StoreFixture


def test_an_opened_session_is_connected_and_beats_from_now(kind: StoreFixture) -> None:
    before = kind.now()
    session = opened(kind.store, opening())
    assert (session.state, session.generation, session.worker) == (CONNECTED, 1, "w1")
    assert before <= session.opened_at == session.connected_at == session.last_beat <= kind.now()


def test_a_session_knows_its_peer(store: BlockingStore) -> None:
    peer = Peer("7", "ada", "digest", "10.0.0.1", "Firefox")
    session = opened(store, opening(login="digest", agent="Firefox", visibility="hidden"))
    assert (session.peer, session.visibility) == (peer, "hidden")
    assert store.get("s1") == session


def test_a_repeated_open_gives_the_same_session(kind: StoreFixture) -> None:
    first = kind.store.open(opening())
    kind.turn(1)
    assert kind.store.open(opening()) == first
    assert kind.store.stats().connected == 1


def test_a_repeated_open_leaves_alone_what_came_after_it(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.store.open(opening())
    assert state(kind.store) is SUSPENDED


def test_a_suspended_session_is_resumed(kind: StoreFixture) -> None:
    before = suspended(kind.store)
    kind.turn(RESUME - 1)
    after = kind.store.resume(returning())
    assert isinstance(after, Session)
    assert (after.state, after.generation, after.worker) == (CONNECTED, 2, "w2")
    assert (after.opened_at, after.end_code, after.end_reason) == (before.opened_at, 0, "")
    assert after.connected_at == after.last_beat > before.last_beat


def test_totals_outlive_a_resume(store: BlockingStore) -> None:
    store.open(opening())
    totals = Totals(pings=3, pongs=2, invalid_pongs=1, misses=1, frames_in=9, frames_out=8)
    store.suspend("w1", [departure(totals=totals, missed=1)])
    session = store.resume(returning())
    assert isinstance(session, Session)
    assert (session.totals, session.missed) == (totals, 0)


def test_a_resumed_session_is_where_its_client_is_now(store: BlockingStore) -> None:
    suspended(store, address="10.0.0.1", login="old")
    session = store.resume(returning(address="10.0.0.2", login="new", visibility="hidden"))
    assert isinstance(session, Session)
    assert (session.peer.address, session.peer.login) == ("10.0.0.2", "new")
    assert session.visibility == "hidden"


def test_a_repeated_resume_gives_the_same_session(kind: StoreFixture) -> None:
    suspended(kind.store)
    first = kind.store.resume(returning())
    kind.turn(1)
    assert kind.store.resume(returning()) == first
    assert isinstance(first, Session)
    assert first.generation == 2


def test_each_resume_grows_the_generation(store: BlockingStore) -> None:
    suspended(store)
    for number in (2, 3, 4):
        session = store.resume(returning(connection=f"number {number}"))
        assert isinstance(session, Session)
        assert session.generation == number


def test_a_session_that_is_still_connected_is_taken_over(store: BlockingStore) -> None:
    store.open(opening())
    session = store.resume(returning())
    assert isinstance(session, Session)
    assert (session.worker, session.generation) == ("w2", 2)
    assert store.suspend("w1", [departure()]) == ()
    assert state(store) is CONNECTED


@pytest.mark.parametrize(
    "stranger",
    [
        returning("unknown"),
        returning(token="another"),
        returning(user="8"),
        returning(user=""),
    ],
    ids=["unknown", "token", "user", "anonymous"],
)
def test_a_foreign_session_is_not_resumed(store: BlockingStore, stranger: object) -> None:
    suspended(store)
    before = store.get("s1")
    assert store.resume(stranger) is None  # type: ignore[arg-type]  # a row of the table above
    assert store.get("s1") == before


def test_a_foreigner_takes_nothing_over(store: BlockingStore) -> None:
    before = store.open(opening())
    assert store.resume(returning(token="another")) is None
    assert store.get("s1") == before


def test_an_anonymous_session_is_resumed_by_its_token(store: BlockingStore) -> None:
    suspended(store, user="", username="")
    assert store.resume(returning(user="", token="another")) is None
    assert store.resume(returning(user="")) is not None


def test_nothing_is_resumed_after_the_window(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    assert kind.store.resume(returning()) is None


def test_the_window_begins_with_the_last_suspension(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME - 1)
    kind.store.resume(returning())
    kind.store.suspend("w2", [departure(generation=2)])
    kind.turn(RESUME - 1)
    assert kind.store.resume(returning(connection="third")) is not None


def test_a_session_of_a_lost_worker_is_resumed_before_any_sweep(kind: StoreFixture) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(LEASE + RESUME - 1)
    assert kind.store.resume(returning()) is not None


def test_a_session_of_a_lost_worker_is_resumed_after_a_sweep(kind: StoreFixture) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(LEASE + 1)
    kind.store.sweep("sweeper")
    assert state(kind.store) is SUSPENDED
    assert kind.store.resume(returning()) is not None


def test_the_window_of_a_lost_worker_ends_without_a_sweep_too(kind: StoreFixture) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    kind.turn(LEASE + RESUME + 1)
    assert kind.store.resume(returning()) is None


def test_the_window_of_a_silent_session_ends_without_a_sweep_too(kind: StoreFixture) -> None:
    kind.store.open(opening())
    kind.turn(SILENCE + RESUME - 1)
    beat(kind.store, "w1")
    assert kind.store.resume(returning(token="another")) is None
    kind.turn(2)
    assert kind.store.resume(returning()) is None


def test_a_closing_session_is_not_resumed(store: BlockingStore) -> None:
    closing(store)
    assert store.resume(returning()) is None


def test_a_closed_session_is_not_resumed(store: BlockingStore) -> None:
    closing(store)
    store.confirm(["s1"])
    assert store.resume(returning()) is None


@pytest.mark.parametrize("is_suspended", [False, True])
def test_what_is_to_end_for_good_is_not_resumed(store: BlockingStore, is_suspended: bool) -> None:
    store.open(opening())
    if is_suspended:
        store.suspend("w1", [departure()])
    store.request_close(session="s1", code=4500, reason="")
    assert store.resume(returning()) == Verdict(4500, "disconnected by an administrator")


def test_what_may_come_back_is_resumed_and_the_request_forgotten(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4008, reason="")
    store.suspend("w1", [departure(code=4008)])
    assert store.resume(returning()) is not None
    assert beat(store, "w2", pulse(generation=2)).inbox == ()
