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
    pulse,
    returning,
    state,
    suspended,
)
from .kinds import CLAIM, LEASE, RESUME, SILENCE, StoreFixture

TOO_MANY = 4504
REJECT = SessionLimit(limit=2, evict_oldest=False)
OLDEST = SessionLimit(limit=2, evict_oldest=True)
both = pytest.mark.parametrize("cap", [REJECT, OLDEST], ids=["reject", "oldest"])


def attempt(store: BlockingStore, session: str, cap: SessionLimit) -> Session | None:
    """Open a session at w1, which is alive, if there is room."""
    came = store.open(opening(session), cap=cap)
    assert not isinstance(came, Verdict)
    return came


def fill(kind: StoreFixture, *sessions: str, worker: str = "w1") -> None:
    """Open these, a second apart, at a worker that lives."""
    for session in sessions:
        kind.store.open(opening(session, worker=worker))
        kind.turn(1)
    beat(kind.store, worker)


def asked(store: BlockingStore, worker: str = "w1") -> dict[str, int]:
    """Whom the worker is to close, and with what code."""
    return {request.session: request.code for request in beat(store, worker).inbox}


# ---------------------------------------------------------------- who is counted


@both
def test_up_to_the_limit_everybody_comes_in(kind: StoreFixture, cap: SessionLimit) -> None:
    assert attempt(kind.store, "s1", cap) is not None
    second = attempt(kind.store, "s2", cap)
    assert second == kind.store.get("s2")
    assert asked(kind.store) == {}


@both
def test_others_do_not_count(kind: StoreFixture, cap: SessionLimit) -> None:
    for id_ in ("x1", "x2", "x3"):
        kind.store.open(opening(id_, user="8"))
    fill(kind, "s1")
    assert attempt(kind.store, "s2", cap) is not None
    assert asked(kind.store) == {}


@both
def test_nobody_anonymous_is_counted(store: BlockingStore, cap: SessionLimit) -> None:
    for id_ in ("s1", "s2", "s3"):
        assert store.open(opening(id_, user=""), cap=cap) is not None
    assert asked(store) == {}


@both
def test_whom_somebody_asked_to_end_is_not_counted(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1", "s2")
    kind.store.request_close(session="s1", code=4500, reason="go")
    assert attempt(kind.store, "s3", cap) is not None
    assert asked(kind.store) == {"s1": 4500}


def test_who_was_asked_to_come_again_is_counted(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    kind.store.request_close(session="s1", code=4008, reason="")
    assert attempt(kind.store, "s3", REJECT) is None


@both
def test_what_is_closing_is_not_counted(kind: StoreFixture, cap: SessionLimit) -> None:
    closing(kind.store, "s1")
    fill(kind, "s2")
    assert attempt(kind.store, "s3", cap) is not None
    assert asked(kind.store) == {}


def test_without_a_cap_nobody_is_counted(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    assert kind.store.open(opening("s3")) is not None
    assert asked(kind.store) == {}


# ---------------------------------------------------------------- no room


def test_who_is_refused_leaves_everything_as_it_was(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    before = kind.store.of_user("7")
    assert attempt(kind.store, "s3", REJECT) is None
    assert attempt(kind.store, "s3", REJECT) is None
    assert kind.store.of_user("7") == before
    assert (asked(kind.store), state(kind.store, "s3")) == ({}, None)
    assert kind.store.resume(returning("s3")) is None
    assert kind.store.sweep("sweeper").claimed == ()


def test_there_is_room_again_when_somebody_has_gone_for_good(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    assert attempt(kind.store, "s3", REJECT) is None
    kind.store.close("w1", [departure("s1", code=1000)], "w1")
    assert attempt(kind.store, "s3", REJECT) is not None


@both
def test_the_living_are_not_taken_for_dead(kind: StoreFixture, cap: SessionLimit) -> None:
    """Neither a worker that has not beaten yet, nor one that just did."""
    kind.store.open(opening("s1", worker="new"))
    kind.turn(1)
    kind.store.open(opening("s2", worker="w2"))
    beat(kind.store, "w2")
    kind.turn(LEASE - 1)
    third = attempt(kind.store, "s3", cap)
    assert (third is None) == (cap is REJECT)
    assert asked(kind.store, "w2") == {}


# ---------------------------------------------------------------- the oldest gives way


def test_the_oldest_gives_way(kind: StoreFixture) -> None:
    fill(kind, "s2", "s1")
    assert attempt(kind.store, "s3", OLDEST) is not None
    (request,) = beat(kind.store).inbox
    expected = ("s2", 1, TOO_MANY, "too many sessions")
    assert (request.session, request.generation, request.code, request.reason) == expected


def test_the_oldest_is_told_by_its_own_worker(kind: StoreFixture) -> None:
    fill(kind, "s1", worker="w2")
    fill(kind, "s2")
    attempt(kind.store, "s3", OLDEST)
    assert (asked(kind.store, "w1"), asked(kind.store, "w2")) == ({}, {"s1": TOO_MANY})


def test_each_new_one_takes_the_place_of_one(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    for number in (3, 4):
        assert attempt(kind.store, f"s{number}", OLDEST) is not None
        kind.turn(1)
    assert asked(kind.store) == {"s1": TOO_MANY, "s2": TOO_MANY}
    attempt(kind.store, "s5", OLDEST)
    assert asked(kind.store) == {f"s{number}": TOO_MANY for number in (1, 2, 3)}


def test_of_equally_old_ones_the_lower_id_gives_way(kind: StoreFixture) -> None:
    open_many(kind.store, 2)
    one, other = kind.store.of_user("7")
    attempt(kind.store, "s3", OLDEST)
    assert list(asked(kind.store)) == [min((one.opened_at, one.id), (other.opened_at, other.id))[1]]


def test_who_gave_way_may_not_resume(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    attempt(kind.store, "s3", OLDEST)
    assert kind.store.resume(returning("s1")) == Verdict(TOO_MANY, "too many sessions")


def test_a_session_is_as_old_as_its_first_connection(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    kind.store.resume(returning("s1"))
    beat(kind.store, "w2")
    attempt(kind.store, "s3", OLDEST)
    assert (asked(kind.store, "w1"), asked(kind.store, "w2")) == ({}, {"s1": TOO_MANY})


def test_a_lower_limit_makes_room_for_all_that_is_over_it(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2", "s3", "s4")
    assert attempt(kind.store, "s5", REJECT) is None
    assert asked(kind.store) == {}
    assert attempt(kind.store, "s5", OLDEST) is not None
    assert asked(kind.store) == {"s1": TOO_MANY, "s2": TOO_MANY, "s3": TOO_MANY}


# ---------------------------------------------------------------- those whom nobody is with


@both
def test_the_suspended_make_room_first(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1")
    suspended(kind.store, "s2")
    assert attempt(kind.store, "s3", cap) is not None
    assert asked(kind.store) == {}
    assert kind.store.resume(returning("s2")) == Verdict(TOO_MANY, "too many sessions")
    assert kind.store.overdue().close == 1
    (closed,) = kind.store.sweep("sweeper").claimed
    assert (closed.id, closed.end_code, closed.end_reason) == ("s2", TOO_MANY, "too many sessions")


@both
def test_of_the_suspended_the_oldest_goes_first(kind: StoreFixture, cap: SessionLimit) -> None:
    for id_ in ("s2", "s1"):
        suspended(kind.store, id_)
        kind.turn(1)
    attempt(kind.store, "s3", cap)
    assert ids(kind.store.sweep("sweeper").claimed) == ["s2"]


def test_the_suspended_are_not_enough_by_themselves(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    suspended(kind.store, "s3")
    assert attempt(kind.store, "s4", REJECT) is None
    assert kind.store.resume(returning("s3")) is not None


def test_the_suspended_and_then_the_oldest(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    suspended(kind.store, "s3")
    assert attempt(kind.store, "s4", OLDEST) is not None
    assert asked(kind.store) == {"s1": TOO_MANY}
    assert ids(kind.store.sweep("sweeper").claimed) == ["s3"]


@both
@pytest.mark.parametrize("found", [False, True], ids=["not noticed yet", "swept"])
def test_a_dead_workers_sessions_are_nobodys(
    kind: StoreFixture, cap: SessionLimit, found: bool
) -> None:
    fill(kind, "s1", "s2", worker="dead")
    kind.turn(LEASE + 1)
    if found:
        kind.store.sweep("sweeper")
    assert attempt(kind.store, "s3", cap) is not None
    beat(kind.store)
    assert (state(kind.store, "s2"), state(kind.store, "s3")) == (SUSPENDED, CONNECTED)
    (closed,) = kind.store.sweep("sweeper").claimed
    assert (closed.id, closed.end_code) == ("s1", TOO_MANY)


@both
def test_the_dead_and_the_suspended_go_by_age(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1", worker="dead")
    suspended(kind.store, "s2")
    kind.turn(LEASE + 1)
    beat(kind.store)
    attempt(kind.store, "s3", cap)
    assert ids(kind.store.sweep("sweeper").claimed) == ["s1"]


def test_the_living_keep_their_place_beside_the_dead(kind: StoreFixture) -> None:
    fill(kind, "s1")
    fill(kind, "s2", worker="dead")
    kind.turn(LEASE)
    beat(kind.store)
    kind.turn(1)
    assert attempt(kind.store, "s3", OLDEST) is not None
    assert asked(kind.store) == {}
    assert ids(kind.store.sweep("sweeper").claimed) == ["s2"]


@both
def test_a_worker_that_left_has_no_sessions(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1", "s2", worker="left")
    kind.store.leave("left")
    assert attempt(kind.store, "s3", cap) is not None
    assert ids(kind.store.sweep("sweeper").claimed) == ["s1"]


def test_a_worker_that_stood_still_hears_who_gave_way(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2", worker="w2")
    kind.turn(LEASE + 1)
    attempt(kind.store, "s3", REJECT)
    beat(kind.store, "w2", pulse("s1"), pulse("s2"))
    assert asked(kind.store, "w2") == {"s1": TOO_MANY}
    assert attempt(kind.store, "s4", REJECT) is None


# ---------------------------------------------------------------- repeats, resumes, the end


@both
def test_a_repeat_is_in_already(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1")
    first = attempt(kind.store, "s2", cap)
    kind.turn(1)
    assert attempt(kind.store, "s2", cap) == first
    assert asked(kind.store) == {}


def test_a_repeat_evicts_nobody_else(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    first = attempt(kind.store, "s3", OLDEST)
    assert attempt(kind.store, "s3", OLDEST) == first
    assert asked(kind.store) == {"s1": TOO_MANY}


@both
def test_a_resume_is_never_refused(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1", "s2", "s3")
    suspended(kind.store, "s4")
    assert kind.store.resume(returning("s4")) is not None
    assert kind.store.resume(returning("s1")) is not None
    assert asked(kind.store) == {}


@both
def test_a_limit_of_one(kind: StoreFixture, cap: SessionLimit) -> None:
    fill(kind, "s1")
    second = attempt(kind.store, "s2", SessionLimit(limit=1, evict_oldest=cap.evict_oldest))
    assert (second is None) == (cap is REJECT)


def test_after_all_windows_nothing_is_left_of_those_who_gave_way(kind: StoreFixture) -> None:
    fill(kind, "s1", "s2")
    attempt(kind.store, "s3", OLDEST)
    kind.turn(SILENCE + RESUME + CLAIM)
    claimed = kind.store.sweep("sweeper").claimed
    kind.store.confirm(ids(claimed))
    kind.turn(RESUME + 1)
    kind.store.confirm(ids(kind.store.sweep("sweeper").claimed))
    assert kind.store.of_user("7") == ()
    assert opened(kind.store, opening("s4"), cap=REJECT).generation == 1
