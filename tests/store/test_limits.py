"""``open`` with a limit: how many sessions a user may have, and which are evicted."""

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import Session, SessionLimit, Verdict

from .builders import (
    CONNECTED,
    SUSPENDED,
    beat,
    closing,
    departure,
    ids,
    open_many,
    opened,
    opening,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import CLAIM, LEASE, RESUME, SILENCE, StoreFixture

TOO_MANY = 4504
REJECT = SessionLimit(max_sessions=2, evict_oldest=False)
OLDEST = SessionLimit(max_sessions=2, evict_oldest=True)
both = pytest.mark.parametrize("cap", [REJECT, OLDEST], ids=["reject", "oldest"])


def attempt(store: BlockingStore, session: str, cap: SessionLimit) -> Session | None:
    """Open a session at w1, which is alive, with a limit."""
    came = store.open(opening(session), limit=cap)
    assert not isinstance(came, Verdict)
    return came


def fill(backend: StoreFixture, *sessions: str, worker: str = "w1") -> None:
    """Open these, a second apart, at a live worker."""
    for session in sessions:
        backend.store.open(opening(session, worker=worker))
        backend.advance(1)
    beat(backend.store, worker)


def evictions(store: BlockingStore, worker: str = "w1") -> dict[str, int]:
    """The sessions in the worker's inbox, with their codes."""
    return {request.session: request.code for request in beat(store, worker).inbox}


# ---------------------------------------------------------------- who is counted


@both
def test_sessions_up_to_the_limit_are_admitted(backend: StoreFixture, cap: SessionLimit) -> None:
    assert attempt(backend.store, "s1", cap) is not None
    second = attempt(backend.store, "s2", cap)
    assert second == backend.store.get("s2")
    assert evictions(backend.store) == {}


@both
def test_sessions_of_other_users_do_not_count(backend: StoreFixture, cap: SessionLimit) -> None:
    for id_ in ("x1", "x2", "x3"):
        backend.store.open(opening(id_, user="8"))
    fill(backend, "s1")
    assert attempt(backend.store, "s2", cap) is not None
    assert evictions(backend.store) == {}


@both
def test_anonymous_sessions_do_not_count(store: BlockingStore, cap: SessionLimit) -> None:
    for id_ in ("s1", "s2", "s3"):
        assert store.open(opening(id_, user=""), limit=cap) is not None
    assert evictions(store) == {}


@both
def test_sessions_with_a_final_request_do_not_count(
    backend: StoreFixture, cap: SessionLimit
) -> None:
    fill(backend, "s1", "s2")
    backend.store.request_close(session="s1", code=4500, reason="go")
    assert attempt(backend.store, "s3", cap) is not None
    assert evictions(backend.store) == {"s1": 4500}


def test_sessions_asked_to_reconnect_count(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    backend.store.request_close(session="s1", code=4008, reason="")
    assert attempt(backend.store, "s3", REJECT) is None


@both
def test_closing_sessions_do_not_count(backend: StoreFixture, cap: SessionLimit) -> None:
    closing(backend.store, "s1")
    fill(backend, "s2")
    assert attempt(backend.store, "s3", cap) is not None
    assert evictions(backend.store) == {}


def test_without_a_limit_no_session_is_counted(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    assert backend.store.open(opening("s3")) is not None
    assert evictions(backend.store) == {}


# ---------------------------------------------------------------- no room


def test_a_refused_open_changes_nothing(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    before = backend.store.of_user("7")
    assert attempt(backend.store, "s3", REJECT) is None
    assert attempt(backend.store, "s3", REJECT) is None
    assert backend.store.of_user("7") == before
    assert (evictions(backend.store), state(backend.store, "s3")) == ({}, None)
    assert backend.store.resume(returning("s3")) is None
    assert backend.store.sweep("sweeper").claimed == ()


def test_a_closed_session_makes_room(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    assert attempt(backend.store, "s3", REJECT) is None
    backend.store.close("w1", [departure("s1", code=1000)], "w1")
    assert attempt(backend.store, "s3", REJECT) is not None


@both
def test_sessions_of_live_workers_are_not_evicted(backend: StoreFixture, cap: SessionLimit) -> None:
    """Neither those of a worker that has not beaten yet, nor of one that just did."""
    backend.store.open(opening("s1", worker="new"))
    backend.advance(1)
    backend.store.open(opening("s2", worker="w2"))
    beat(backend.store, "w2")
    backend.advance(LEASE - 1)
    third = attempt(backend.store, "s3", cap)
    assert (third is None) == (cap is REJECT)
    assert evictions(backend.store, "w2") == {}


# ---------------------------------------------------------------- the oldest gives way


def test_the_oldest_session_is_evicted(backend: StoreFixture) -> None:
    fill(backend, "s2", "s1")
    assert attempt(backend.store, "s3", OLDEST) is not None
    (request,) = beat(backend.store).inbox
    expected = ("s2", 1, TOO_MANY, "too many sessions")
    assert (request.session, request.generation, request.code, request.reason) == expected


def test_the_eviction_reaches_the_inbox_of_its_worker(backend: StoreFixture) -> None:
    fill(backend, "s1", worker="w2")
    fill(backend, "s2")
    attempt(backend.store, "s3", OLDEST)
    assert (evictions(backend.store, "w1"), evictions(backend.store, "w2")) == (
        {},
        {"s1": TOO_MANY},
    )


def test_each_new_session_evicts_one(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    for number in (3, 4):
        assert attempt(backend.store, f"s{number}", OLDEST) is not None
        backend.advance(1)
    assert evictions(backend.store) == {"s1": TOO_MANY, "s2": TOO_MANY}
    attempt(backend.store, "s5", OLDEST)
    assert evictions(backend.store) == {f"s{number}": TOO_MANY for number in (1, 2, 3)}


def test_of_equally_old_sessions_the_lower_id_is_evicted(backend: StoreFixture) -> None:
    open_many(backend.store, 2)
    one, other = backend.store.of_user("7")
    attempt(backend.store, "s3", OLDEST)
    assert list(evictions(backend.store)) == [
        min((one.opened_at, one.id), (other.opened_at, other.id))[1]
    ]


def test_an_evicted_session_may_not_resume(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    attempt(backend.store, "s3", OLDEST)
    assert backend.store.resume(returning("s1")) == Verdict(TOO_MANY, "too many sessions")


def test_a_session_is_as_old_as_its_first_connection(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    backend.store.resume(returning("s1"))
    beat(backend.store, "w2")
    attempt(backend.store, "s3", OLDEST)
    assert (evictions(backend.store, "w1"), evictions(backend.store, "w2")) == (
        {},
        {"s1": TOO_MANY},
    )


def test_a_lowered_limit_evicts_all_sessions_over_it(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2", "s3", "s4")
    assert attempt(backend.store, "s5", REJECT) is None
    assert evictions(backend.store) == {}
    assert attempt(backend.store, "s5", OLDEST) is not None
    assert evictions(backend.store) == {"s1": TOO_MANY, "s2": TOO_MANY, "s3": TOO_MANY}


# ---------------------------------------------------------------- sessions without a connection


@both
def test_suspended_sessions_are_evicted_first(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    suspended(backend.store, "s2")
    assert attempt(backend.store, "s3", cap) is not None
    assert evictions(backend.store) == {}
    assert backend.store.resume(returning("s2")) == Verdict(TOO_MANY, "too many sessions")
    assert backend.store.overdue().close == 1
    (closed,) = backend.store.sweep("sweeper").claimed
    assert (closed.id, closed.end_code, closed.end_reason) == ("s2", TOO_MANY, "too many sessions")


@both
def test_the_oldest_suspended_session_is_evicted_first(
    backend: StoreFixture, cap: SessionLimit
) -> None:
    for id_ in ("s2", "s1"):
        suspended(backend.store, id_)
        backend.advance(1)
    attempt(backend.store, "s3", cap)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s2"]


def test_too_few_suspended_sessions_refuse_the_new_one(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    suspended(backend.store, "s3")
    assert attempt(backend.store, "s4", REJECT) is None
    assert backend.store.resume(returning("s3")) is not None


def test_suspended_sessions_are_evicted_before_the_oldest(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    suspended(backend.store, "s3")
    assert attempt(backend.store, "s4", OLDEST) is not None
    assert evictions(backend.store) == {"s1": TOO_MANY}
    assert ids(backend.store.sweep("sweeper").claimed) == ["s3"]


@both
@pytest.mark.parametrize("found", [False, True], ids=["not noticed yet", "swept"])
def test_sessions_of_a_dead_worker_are_evicted_like_suspended_ones(
    backend: StoreFixture, cap: SessionLimit, found: bool
) -> None:
    fill(backend, "s1", "s2", worker="dead")
    backend.advance(LEASE + 1)
    if found:
        backend.store.sweep("sweeper")
    assert attempt(backend.store, "s3", cap) is not None
    beat(backend.store)
    assert (state(backend.store, "s2"), state(backend.store, "s3")) == (SUSPENDED, CONNECTED)
    (closed,) = backend.store.sweep("sweeper").claimed
    assert (closed.id, closed.end_code) == ("s1", TOO_MANY)


@both
def test_sessions_of_dead_workers_and_suspended_ones_are_evicted_by_age(
    backend: StoreFixture, cap: SessionLimit
) -> None:
    fill(backend, "s1", worker="dead")
    suspended(backend.store, "s2")
    backend.advance(LEASE + 1)
    beat(backend.store)
    attempt(backend.store, "s3", cap)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_live_sessions_stay_beside_those_of_dead_workers(backend: StoreFixture) -> None:
    fill(backend, "s1")
    fill(backend, "s2", worker="dead")
    backend.advance(LEASE)
    beat(backend.store)
    backend.advance(1)
    assert attempt(backend.store, "s3", OLDEST) is not None
    assert evictions(backend.store) == {}
    assert ids(backend.store.sweep("sweeper").claimed) == ["s2"]


@both
def test_a_worker_that_left_has_no_sessions(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1", "s2", worker="left")
    backend.store.leave("left")
    assert attempt(backend.store, "s3", cap) is not None
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_a_worker_that_stood_still_gets_its_evictions(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2", worker="w2")
    backend.advance(LEASE + 1)
    attempt(backend.store, "s3", REJECT)
    beat(backend.store, "w2", update("s1"), update("s2"))
    assert evictions(backend.store, "w2") == {"s1": TOO_MANY}
    assert attempt(backend.store, "s4", REJECT) is None


# ---------------------------------------------------------------- repeats, resumes, the end


@both
def test_a_repeated_open_needs_no_room(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    first = attempt(backend.store, "s2", cap)
    backend.advance(1)
    assert attempt(backend.store, "s2", cap) == first
    assert evictions(backend.store) == {}


def test_a_repeated_open_evicts_no_further_session(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    first = attempt(backend.store, "s3", OLDEST)
    assert attempt(backend.store, "s3", OLDEST) == first
    assert evictions(backend.store) == {"s1": TOO_MANY}


@both
def test_a_resume_is_never_refused(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1", "s2", "s3")
    suspended(backend.store, "s4")
    assert backend.store.resume(returning("s4")) is not None
    assert backend.store.resume(returning("s1")) is not None
    assert evictions(backend.store) == {}


@both
def test_a_limit_of_one(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    second = attempt(
        backend.store, "s2", SessionLimit(max_sessions=1, evict_oldest=cap.evict_oldest)
    )
    assert (second is None) == (cap is REJECT)


def test_evicted_sessions_end_in_the_history(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    attempt(backend.store, "s3", OLDEST)
    backend.advance(SILENCE + RESUME + CLAIM)
    claimed = backend.store.sweep("sweeper").claimed
    backend.store.confirm(ids(claimed))
    backend.advance(RESUME + 1)
    backend.store.confirm(ids(backend.store.sweep("sweeper").claimed))
    assert backend.store.of_user("7") == ()
    assert opened(backend.store, opening("s4"), limit=REJECT).generation == 1
