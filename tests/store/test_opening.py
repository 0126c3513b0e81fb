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
    end_lease,
    opened,
    opening,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture


def test_an_opened_session_is_connected_and_beats_from_now(backend: StoreFixture) -> None:
    before = backend.now()
    session = opened(backend.store, opening())
    assert (session.state, session.generation, session.worker) == (CONNECTED, 1, "w1")
    assert before <= session.opened_at == session.connected_at == session.last_beat <= backend.now()


def test_a_session_knows_its_peer(store: BlockingStore) -> None:
    peer = Peer("7", "ada", "digest", "10.0.0.1", "Firefox")
    session = opened(store, opening(login="digest", agent="Firefox", visibility="hidden"))
    assert (session.peer, session.visibility) == (peer, "hidden")
    assert store.get("s1") == session


def test_a_repeated_open_gives_the_same_session(backend: StoreFixture) -> None:
    first = backend.store.open(opening())
    backend.advance(1)
    assert backend.store.open(opening()) == first
    assert backend.store.stats().connected == 1


def test_a_repeated_open_does_not_undo_later_changes(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.store.open(opening())
    assert state(backend.store) is SUSPENDED


def test_a_suspended_session_is_resumed(backend: StoreFixture) -> None:
    before = suspended(backend.store)
    backend.advance(RESUME - 1)
    after = backend.store.resume(returning())
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


def test_a_repeated_resume_gives_the_same_session(backend: StoreFixture) -> None:
    suspended(backend.store)
    first = backend.store.resume(returning())
    backend.advance(1)
    assert backend.store.resume(returning()) == first
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
def test_a_session_of_another_user_is_not_resumed(store: BlockingStore, stranger: object) -> None:
    suspended(store)
    before = store.get("s1")
    assert store.resume(stranger) is None  # type: ignore[arg-type]  # a row of the table above
    assert store.get("s1") == before


def test_another_user_takes_no_session_over(store: BlockingStore) -> None:
    before = store.open(opening())
    assert store.resume(returning(token="another")) is None
    assert store.get("s1") == before


def test_an_anonymous_session_is_resumed_by_its_token(store: BlockingStore) -> None:
    suspended(store, user="", username="")
    assert store.resume(returning(user="", token="another")) is None
    assert store.resume(returning(user="")) is not None


def test_nothing_is_resumed_after_the_window(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    assert backend.store.resume(returning()) is None


def test_the_window_begins_with_the_last_suspension(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME - 1)
    backend.store.resume(returning())
    backend.store.suspend("w2", [departure(generation=2)])
    backend.advance(RESUME - 1)
    assert backend.store.resume(returning(connection="third")) is not None


def test_a_session_of_a_lost_worker_is_resumed_before_any_sweep(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store, "w1")
    backend.advance(LEASE + RESUME - 1)
    assert backend.store.resume(returning()) is not None


def test_a_session_of_a_lost_worker_is_resumed_after_a_sweep(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    backend.store.sweep("sweeper")
    assert state(backend.store) is SUSPENDED
    assert backend.store.resume(returning()) is not None


def test_the_window_of_a_lost_worker_ends_without_a_sweep_too(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store, "w1")
    backend.advance(LEASE + RESUME + 1)
    assert backend.store.resume(returning()) is None


def test_the_window_of_a_silent_session_ends_without_a_sweep_too(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(SILENCE + RESUME - 1)
    beat(backend.store, "w1")
    assert backend.store.resume(returning(token="another")) is None
    backend.advance(2)
    assert backend.store.resume(returning()) is None


def test_a_closing_session_is_not_resumed(store: BlockingStore) -> None:
    closing(store)
    assert store.resume(returning()) is None


def test_a_closed_session_is_not_resumed(store: BlockingStore) -> None:
    closing(store)
    store.confirm(["s1"])
    assert store.resume(returning()) is None


@pytest.mark.parametrize("is_suspended", [False, True])
def test_a_session_with_a_final_request_is_not_resumed(
    store: BlockingStore, is_suspended: bool
) -> None:
    store.open(opening())
    if is_suspended:
        store.suspend("w1", [departure()])
    store.request_close(session="s1", code=4500, reason="")
    assert store.resume(returning()) == Verdict(4500, "disconnected by an administrator")


def test_a_session_with_another_request_is_resumed_without_it(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4008, reason="")
    store.suspend("w1", [departure(code=4008)])
    assert store.resume(returning()) is not None
    assert beat(store, "w2", update(generation=2)).inbox == ()
