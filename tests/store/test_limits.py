"""``open`` with a cap: how many sessions a user may have, and who gives way."""

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
    """Open a session at w1, which is alive, if there is room."""
    came = store.open(opening(session), limit=cap)
    assert not isinstance(came, Verdict)
    return came


def fill(backend: StoreFixture, *sessions: str, worker: str = "w1") -> None:
    """Open these, a second apart, at a worker that lives."""
    for session in sessions:
        backend.store.open(opening(session, worker=worker))
        backend.advance(1)
    beat(backend.store, worker)


def asked(store: BlockingStore, worker: str = "w1") -> dict[str, int]:
    """Whom the worker is to close, and with what code."""
    return {request.session: request.code for request in beat(store, worker).inbox}


# ---------------------------------------------------------------- who is counted


@both
def test_up_to_the_limit_everybody_comes_in(backend: StoreFixture, cap: SessionLimit) -> None:
    assert attempt(backend.store, "s1", cap) is not None
    second = attempt(backend.store, "s2", cap)
    assert second == backend.store.get("s2")
    assert asked(backend.store) == {}


@both
def test_others_do_not_count(backend: StoreFixture, cap: SessionLimit) -> None:
    for id_ in ("x1", "x2", "x3"):
        backend.store.open(opening(id_, user="8"))
    fill(backend, "s1")
    assert attempt(backend.store, "s2", cap) is not None
    assert asked(backend.store) == {}


@both
def test_nobody_anonymous_is_counted(store: BlockingStore, cap: SessionLimit) -> None:
    for id_ in ("s1", "s2", "s3"):
        assert store.open(opening(id_, user=""), limit=cap) is not None
    assert asked(store) == {}


@both
def test_whom_somebody_asked_to_end_is_not_counted(
    backend: StoreFixture, cap: SessionLimit
) -> None:
    fill(backend, "s1", "s2")
    backend.store.request_close(session="s1", code=4500, reason="go")
    assert attempt(backend.store, "s3", cap) is not None
    assert asked(backend.store) == {"s1": 4500}


def test_who_was_asked_to_come_again_is_counted(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    backend.store.request_close(session="s1", code=4008, reason="")
    assert attempt(backend.store, "s3", REJECT) is None


@both
def test_what_is_closing_is_not_counted(backend: StoreFixture, cap: SessionLimit) -> None:
    closing(backend.store, "s1")
    fill(backend, "s2")
    assert attempt(backend.store, "s3", cap) is not None
    assert asked(backend.store) == {}


def test_without_a_cap_nobody_is_counted(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    assert backend.store.open(opening("s3")) is not None
    assert asked(backend.store) == {}


# ---------------------------------------------------------------- no room


def test_who_is_refused_leaves_everything_as_it_was(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    before = backend.store.of_user("7")
    assert attempt(backend.store, "s3", REJECT) is None
    assert attempt(backend.store, "s3", REJECT) is None
    assert backend.store.of_user("7") == before
    assert (asked(backend.store), state(backend.store, "s3")) == ({}, None)
    assert backend.store.resume(returning("s3")) is None
    assert backend.store.sweep("sweeper").claimed == ()


def test_there_is_room_again_when_somebody_has_gone_for_good(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    assert attempt(backend.store, "s3", REJECT) is None
    backend.store.close("w1", [departure("s1", code=1000)], "w1")
    assert attempt(backend.store, "s3", REJECT) is not None


@both
def test_the_living_are_not_taken_for_dead(backend: StoreFixture, cap: SessionLimit) -> None:
    """Neither a worker that has not beaten yet, nor one that just did."""
    backend.store.open(opening("s1", worker="new"))
    backend.advance(1)
    backend.store.open(opening("s2", worker="w2"))
    beat(backend.store, "w2")
    backend.advance(LEASE - 1)
    third = attempt(backend.store, "s3", cap)
    assert (third is None) == (cap is REJECT)
    assert asked(backend.store, "w2") == {}


# ---------------------------------------------------------------- the oldest gives way


def test_the_oldest_gives_way(backend: StoreFixture) -> None:
    fill(backend, "s2", "s1")
    assert attempt(backend.store, "s3", OLDEST) is not None
    (request,) = beat(backend.store).inbox
    expected = ("s2", 1, TOO_MANY, "too many sessions")
    assert (request.session, request.generation, request.code, request.reason) == expected


def test_the_oldest_is_told_by_its_own_worker(backend: StoreFixture) -> None:
    fill(backend, "s1", worker="w2")
    fill(backend, "s2")
    attempt(backend.store, "s3", OLDEST)
    assert (asked(backend.store, "w1"), asked(backend.store, "w2")) == ({}, {"s1": TOO_MANY})


def test_each_new_one_takes_the_place_of_one(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    for number in (3, 4):
        assert attempt(backend.store, f"s{number}", OLDEST) is not None
        backend.advance(1)
    assert asked(backend.store) == {"s1": TOO_MANY, "s2": TOO_MANY}
    attempt(backend.store, "s5", OLDEST)
    assert asked(backend.store) == {f"s{number}": TOO_MANY for number in (1, 2, 3)}


def test_of_equally_old_ones_the_lower_id_gives_way(backend: StoreFixture) -> None:
    open_many(backend.store, 2)
    one, other = backend.store.of_user("7")
    attempt(backend.store, "s3", OLDEST)
    assert list(asked(backend.store)) == [
        min((one.opened_at, one.id), (other.opened_at, other.id))[1]
    ]


def test_who_gave_way_may_not_resume(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    attempt(backend.store, "s3", OLDEST)
    assert backend.store.resume(returning("s1")) == Verdict(TOO_MANY, "too many sessions")


def test_a_session_is_as_old_as_its_first_connection(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    backend.store.resume(returning("s1"))
    beat(backend.store, "w2")
    attempt(backend.store, "s3", OLDEST)
    assert (asked(backend.store, "w1"), asked(backend.store, "w2")) == ({}, {"s1": TOO_MANY})


def test_a_lower_limit_makes_room_for_all_that_is_over_it(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2", "s3", "s4")
    assert attempt(backend.store, "s5", REJECT) is None
    assert asked(backend.store) == {}
    assert attempt(backend.store, "s5", OLDEST) is not None
    assert asked(backend.store) == {"s1": TOO_MANY, "s2": TOO_MANY, "s3": TOO_MANY}


# ---------------------------------------------------------------- those whom nobody is with


@both
def test_the_suspended_make_room_first(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    suspended(backend.store, "s2")
    assert attempt(backend.store, "s3", cap) is not None
    assert asked(backend.store) == {}
    assert backend.store.resume(returning("s2")) == Verdict(TOO_MANY, "too many sessions")
    assert backend.store.overdue().close == 1
    (closed,) = backend.store.sweep("sweeper").claimed
    assert (closed.id, closed.end_code, closed.end_reason) == ("s2", TOO_MANY, "too many sessions")


@both
def test_of_the_suspended_the_oldest_goes_first(backend: StoreFixture, cap: SessionLimit) -> None:
    for id_ in ("s2", "s1"):
        suspended(backend.store, id_)
        backend.advance(1)
    attempt(backend.store, "s3", cap)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s2"]


def test_the_suspended_are_not_enough_by_themselves(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    suspended(backend.store, "s3")
    assert attempt(backend.store, "s4", REJECT) is None
    assert backend.store.resume(returning("s3")) is not None


def test_the_suspended_and_then_the_oldest(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    suspended(backend.store, "s3")
    assert attempt(backend.store, "s4", OLDEST) is not None
    assert asked(backend.store) == {"s1": TOO_MANY}
    assert ids(backend.store.sweep("sweeper").claimed) == ["s3"]


@both
@pytest.mark.parametrize("found", [False, True], ids=["not noticed yet", "swept"])
def test_a_dead_workers_sessions_are_nobodys(
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
def test_the_dead_and_the_suspended_go_by_age(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1", worker="dead")
    suspended(backend.store, "s2")
    backend.advance(LEASE + 1)
    beat(backend.store)
    attempt(backend.store, "s3", cap)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_the_living_keep_their_place_beside_the_dead(backend: StoreFixture) -> None:
    fill(backend, "s1")
    fill(backend, "s2", worker="dead")
    backend.advance(LEASE)
    beat(backend.store)
    backend.advance(1)
    assert attempt(backend.store, "s3", OLDEST) is not None
    assert asked(backend.store) == {}
    assert ids(backend.store.sweep("sweeper").claimed) == ["s2"]


@both
def test_a_worker_that_left_has_no_sessions(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1", "s2", worker="left")
    backend.store.leave("left")
    assert attempt(backend.store, "s3", cap) is not None
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_a_worker_that_stood_still_hears_who_gave_way(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2", worker="w2")
    backend.advance(LEASE + 1)
    attempt(backend.store, "s3", REJECT)
    beat(backend.store, "w2", update("s1"), update("s2"))
    assert asked(backend.store, "w2") == {"s1": TOO_MANY}
    assert attempt(backend.store, "s4", REJECT) is None


# ---------------------------------------------------------------- repeats, resumes, the end


@both
def test_a_repeat_is_in_already(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    first = attempt(backend.store, "s2", cap)
    backend.advance(1)
    assert attempt(backend.store, "s2", cap) == first
    assert asked(backend.store) == {}


def test_a_repeat_evicts_nobody_else(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    first = attempt(backend.store, "s3", OLDEST)
    assert attempt(backend.store, "s3", OLDEST) == first
    assert asked(backend.store) == {"s1": TOO_MANY}


@both
def test_a_resume_is_never_refused(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1", "s2", "s3")
    suspended(backend.store, "s4")
    assert backend.store.resume(returning("s4")) is not None
    assert backend.store.resume(returning("s1")) is not None
    assert asked(backend.store) == {}


@both
def test_a_limit_of_one(backend: StoreFixture, cap: SessionLimit) -> None:
    fill(backend, "s1")
    second = attempt(
        backend.store, "s2", SessionLimit(max_sessions=1, evict_oldest=cap.evict_oldest)
    )
    assert (second is None) == (cap is REJECT)


def test_after_all_windows_nothing_is_left_of_those_who_gave_way(backend: StoreFixture) -> None:
    fill(backend, "s1", "s2")
    attempt(backend.store, "s3", OLDEST)
    backend.advance(SILENCE + RESUME + CLAIM)
    claimed = backend.store.sweep("sweeper").claimed
    backend.store.confirm(ids(claimed))
    backend.advance(RESUME + 1)
    backend.store.confirm(ids(backend.store.sweep("sweeper").claimed))
    assert backend.store.of_user("7") == ()
    assert opened(backend.store, opening("s4"), limit=REJECT).generation == 1
