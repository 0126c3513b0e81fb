"""``suspend``, ``close``, ``confirm`` and ``request_close``."""

import pytest
from msgspec.structs import replace

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import Totals

from .builders import (
    CLOSING,
    CONNECTED,
    SUSPENDED,
    beat,
    closing,
    depart,
    departure,
    end_lease,
    ids,
    open_many,
    opened,
    opening,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import CLAIM, RESUME, StoreFixture

both = pytest.mark.parametrize("verb", ["suspend", "close"])

# ---------------------------------------------------------------- suspend and close


def test_a_suspended_session_records_how_its_connection_ended(store: BlockingStore) -> None:
    session = suspended(store)
    assert (session.state, session.worker) == (SUSPENDED, "")
    assert (session.end_code, session.end_reason) == (1006, "connection lost")
    assert store.get("s1") == session


def test_a_closing_session_is_not_shown_any_more(store: BlockingStore) -> None:
    session = closing(store)
    assert (session.state, session.end_code, session.end_reason) == (CLOSING, 1000, "bye")
    assert store.get("s1") is None
    assert store.of_user("7") == ()


@both
def test_a_connection_may_be_named_instead_of_its_generation(
    store: BlockingStore, verb: str
) -> None:
    """By a worker whose resume got no answer: its departure has no values."""
    store.open(opening())
    totals = Totals(pings=5, pongs=4)
    beat(store, "w1", update(totals=totals))
    store.resume(returning())
    unheard = departure(generation=0)
    assert depart(store, verb, "w2", replace(unheard, connection="s1, first")) == ()
    (session,) = depart(store, verb, "w2", replace(unheard, connection="s1, second"))
    assert (session.generation, session.totals) == (2, totals)
    assert state(store) is not CONNECTED


@both
def test_the_last_values_are_kept(store: BlockingStore, verb: str) -> None:
    store.open(opening())
    totals = Totals(pings=5, pongs=4)
    (session,) = depart(store, verb, "w1", departure(totals=totals, latency_ms=3.5, missed=2))
    assert (session.totals, session.latency_ms, session.missed) == (totals, 3.5, 2)


@both
def test_the_last_proof_of_life_is_kept(backend: StoreFixture, verb: str) -> None:
    backend.store.open(opening())
    backend.advance(20)
    before = backend.now()
    (session,) = depart(backend.store, verb, "w1", departure(idle_ms=5_000))
    assert before - 5_000 <= session.last_beat <= backend.now() - 5_000


@both
def test_the_last_proof_of_life_does_not_go_back(store: BlockingStore, verb: str) -> None:
    before = opened(store, opening())
    (session,) = depart(store, verb, "w1", departure(idle_ms=5_000))
    assert session.last_beat == before.last_beat


@both
def test_a_repeat_gives_the_same_answer(backend: StoreFixture, verb: str) -> None:
    backend.store.open(opening())
    first = depart(backend.store, verb, "w1", departure())
    backend.advance(1)
    assert depart(backend.store, verb, "w1", departure()) == first
    assert ids(first) == ["s1"]


@both
def test_a_repeat_among_new_ones(store: BlockingStore, verb: str) -> None:
    open_many(store, 2)
    depart(store, verb, "w1", departure("s0000"))
    again = depart(store, verb, "w1", departure("s0000"), departure("s0001"))
    assert ids(again) == ["s0000", "s0001"]


@both
@pytest.mark.parametrize("moved", ["unknown", "resumed", "resumed here", "another's", "closing"])
def test_a_session_of_another_generation_or_worker_is_left_alone(
    store: BlockingStore, verb: str, moved: str
) -> None:
    match moved:
        case "resumed":
            store.open(opening())
            store.resume(returning())
        case "resumed here":
            store.open(opening())
            store.resume(returning(worker="w1"))
        case "another's":
            store.open(opening(worker="w2"))
        case "closing":
            closing(store, claimant="another")
    before = store.get("s1")
    assert depart(store, verb, "w1", departure()) == ()
    assert store.get("s1") == before


@both
def test_the_end_of_a_session_that_was_suspended_for_its_worker(
    backend: StoreFixture, verb: str
) -> None:
    backend.store.open(opening())
    end_lease(backend)
    beat(backend.store, "w2")
    (session,) = depart(backend.store, verb, "w1", departure(code=1001))
    assert (session.worker, session.end_code) == ("", 1001)


@both
def test_a_full_batch_of_departures(store: BlockingStore, verb: str) -> None:
    known = open_many(store, BATCH)
    assert ids(depart(store, verb, "w1", *map(departure, known))) == known


@both
def test_a_long_reason_is_cut(store: BlockingStore, verb: str) -> None:
    store.open(opening())
    (session,) = depart(store, verb, "w1", departure(reason="x" * 300))
    assert session.end_reason == "x" * 200


def test_a_repeated_suspend_does_not_move_the_window(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME - 1)
    backend.store.suspend("w1", [departure()])
    backend.advance(2)
    assert backend.store.resume(returning()) is None


def test_a_session_suspended_twice_is_the_second_ones(store: BlockingStore) -> None:
    suspended(store)
    store.resume(returning())
    assert store.suspend("w1", [departure()]) == ()
    assert ids(store.suspend("w2", [departure(generation=2)])) == ["s1"]


# ---------------------------------------------------------------- claims


def test_closing_claims_the_session(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(CLAIM - 1)
    assert backend.store.sweep("sweeper").claimed == ()


def test_an_expired_claim_is_taken_by_a_sweep(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(CLAIM + 1)
    (session,) = backend.store.sweep("sweeper").claimed
    assert (session.id, session.end_code, session.end_reason) == ("s1", 1000, "bye")


def test_a_repeated_close_gets_nothing_once_another_has_the_claim(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(CLAIM + 1)
    backend.store.sweep("sweeper")
    assert backend.store.close("w1", [departure(code=1000, reason="bye")], "w1") == ()


def test_a_repeated_close_does_not_move_the_claim(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(CLAIM - 1)
    assert backend.store.close("w1", [departure(code=1000, reason="bye")], "w1") != ()
    backend.advance(2)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_a_confirmed_session_is_deleted(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.store.confirm(["s1"])
    backend.store.confirm(["s1", "unknown"])
    backend.advance(CLAIM + 1)
    assert backend.store.sweep("sweeper").claimed == ()


def test_only_closing_sessions_are_deleted(store: BlockingStore) -> None:
    store.open(opening("s1"))
    suspended(store, "s2")
    store.confirm(["s1", "s2"])
    assert (state(store, "s1"), state(store, "s2")) == (CONNECTED, SUSPENDED)


# ---------------------------------------------------------------- requests


def test_the_end_of_one_session_is_requested(store: BlockingStore) -> None:
    open_many(store, 2)
    assert store.request_close(session="s0001", code=4500, reason="go") == ("s0001",)
    assert [entry.session for entry in beat(store).inbox] == ["s0001"]


@pytest.mark.parametrize("who", [{"user": "7"}, {"login": "digest"}], ids=["user", "login"])
def test_the_end_of_all_of_a_user_or_login_is_requested(
    store: BlockingStore, who: dict[str, str]
) -> None:
    store.open(opening("s1", login="digest"))
    store.open(opening("s2", login="digest"))
    store.open(opening("s3", user="8", login="other"))
    assert store.request_close(**who, code=4503, reason="") == ("s1", "s2")
    assert [entry.session for entry in beat(store).inbox] == ["s1", "s2"]


def test_a_repeated_request_gives_the_same_answer(store: BlockingStore) -> None:
    store.open(opening())
    first = store.request_close(session="s1", code=4500, reason="go")
    assert store.request_close(session="s1", code=4500, reason="go") == first == ("s1",)
    assert len(beat(store).inbox) == 1


@pytest.mark.parametrize("code", [4008, 4500])
def test_without_sessions_no_end_is_requested(store: BlockingStore, code: int) -> None:
    closing(store)
    assert store.request_close(session="s1", code=code, reason="") == ()
    assert store.request_close(session="unknown", code=code, reason="") == ()
    assert store.request_close(user="8", code=code, reason="") == ()


def test_a_final_request_closes_a_suspended_session_by_the_next_sweep(
    store: BlockingStore,
) -> None:
    suspended(store)
    assert store.request_close(session="s1", code=4500, reason="go") == ("s1",)
    (session,) = store.sweep("sweeper").claimed
    assert (session.end_code, session.end_reason) == (4500, "go")


def test_without_a_reason_it_is_the_codes_own(store: BlockingStore) -> None:
    """As for a connected session, whose worker sends it in the goodbye."""
    suspended(store)
    store.request_close(session="s1", code=4500, reason="")
    (session,) = store.sweep("sweeper").claimed
    assert session.end_reason == "disconnected by an administrator"


def test_another_request_leaves_a_suspended_session_alone(store: BlockingStore) -> None:
    suspended(store)
    assert store.request_close(session="s1", code=4008, reason="") == ()
    assert store.sweep("sweeper").claimed == ()
    assert store.resume(returning()) is not None


def test_a_final_request_outlives_the_loss_of_the_connection(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4500, reason="go")
    store.suspend("w1", [departure()])
    assert [(s.id, s.end_code) for s in store.sweep("sweeper").claimed] == [("s1", 4500)]


def test_a_final_request_is_not_softened(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4500, reason="go")
    assert store.request_close(session="s1", code=4008, reason="come back") == ("s1",)
    assert [(entry.code, entry.reason) for entry in beat(store).inbox] == [(4500, "go")]


def test_a_request_may_become_final(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4008, reason="come back")
    store.request_close(session="s1", code=4500, reason="go")
    assert [(entry.code, entry.reason) for entry in beat(store).inbox] == [(4500, "go")]


def test_an_answered_request_does_not_change_how_a_session_ended(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.store.request_close(session="s1", code=4008, reason="come back")
    backend.store.suspend("w1", [departure(code=1001, reason="server shutting down")])
    backend.advance(RESUME + 1)
    assert [s.end_code for s in backend.store.sweep("sweeper").claimed] == [1001]


def test_a_late_request_does_not_change_how_a_session_ended(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.store.request_close(session="s1", code=4500, reason="go")
    backend.store.close("w1", [departure(code=1000, reason="bye")], "w1")
    backend.advance(CLAIM + 1)
    assert [s.end_code for s in backend.store.sweep("sweeper").claimed] == [1000]


def test_a_request_is_for_a_connection_of_any_generation(store: BlockingStore) -> None:
    suspended(store)
    store.resume(returning())
    store.request_close(session="s1", code=4500, reason="")
    inbox = beat(store, "w2", update(generation=2)).inbox
    assert [(entry.session, entry.generation) for entry in inbox] == [("s1", 2)]


def test_a_request_with_a_long_reason_is_cut(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4500, reason="x" * 300)
    assert beat(store).inbox[0].reason == "x" * 200


@pytest.mark.parametrize("who", [{}, {"session": "s1", "user": "7"}])
def test_a_request_needs_exactly_one_of_session_user_and_login(
    store: BlockingStore, who: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="one of session, user and login"):
        store.request_close(**who, code=4500, reason="")
