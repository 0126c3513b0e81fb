"""``sweep``, ``overdue`` and ``note_sweep``."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import Overdue, SweepReport

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
    state,
    suspended,
)
from .kinds import CLAIM, LEASE, RESUME, SILENCE, StoreFixture


def test_there_is_nothing_to_sweep(store: BlockingStore) -> None:
    open_many(store, 2)
    suspended(store)
    beat(store)
    swept = store.sweep("sweeper")
    assert (swept.suspended, swept.claimed, swept.workers_lost) == ((), (), 0)


def test_a_sweep_suspends_the_sessions_of_lost_workers(kind: StoreFixture) -> None:
    kind.store.open(opening("s1", worker="w1"))
    kind.store.open(opening("s2", worker="w2"))
    beat(kind.store, "w1")
    kind.turn(LEASE + 1)
    beat(kind.store, "w3")
    beat(kind.store, "w2")
    kind.turn(1)
    swept = kind.store.sweep("sweeper")
    assert swept.workers_lost == 0  # the beats have found it
    assert (state(kind.store, "s1"), state(kind.store, "s2")) == (SUSPENDED, CONNECTED)


def test_a_lost_worker_is_counted_once(kind: StoreFixture) -> None:
    kind.store.open(opening())
    beat(kind.store, "w1")
    beat(kind.store, "w2")
    kind.turn(LEASE + 1)
    first = kind.store.sweep("sweeper")
    assert (ids(first.suspended), first.workers_lost) == (["s1"], 2)
    again = kind.store.sweep("sweeper")
    assert (again.suspended, again.workers_lost) == ((), 0)


def test_a_session_without_a_worker_is_swept_by_its_own_deadline(kind: StoreFixture) -> None:
    kind.store.open(opening())
    kind.turn(SILENCE - 1)
    assert kind.store.sweep("sweeper").suspended == ()
    kind.turn(2)
    assert ids(kind.store.sweep("sweeper").suspended) == ["s1"]


def test_what_is_suspended_keeps_its_whole_window(kind: StoreFixture) -> None:
    kind.store.open(opening())
    kind.turn(10 * SILENCE)
    swept = kind.store.sweep("sweeper")
    assert (ids(swept.suspended), swept.claimed) == (["s1"], ())
    kind.turn(RESUME - 1)
    assert kind.store.sweep("sweeper").claimed == ()
    kind.turn(2)
    assert ids(kind.store.sweep("sweeper").claimed) == ["s1"]


def test_an_expired_session_ends_as_its_connection_did(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    (session,) = kind.store.sweep("sweeper").claimed
    assert (session.state, session.end_code) == (CLOSING, 1006)
    assert session.end_reason == "connection lost"
    assert state(kind.store) is None


# ---------------------------------------------------------------- claims


def test_two_claimants_never_hold_the_same_claim(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    assert ids(kind.store.sweep("one").claimed) == ["s1"]
    assert kind.store.sweep("two").claimed == ()


def test_a_repeated_sweep_gives_the_claims_that_are_still_open(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    first = kind.store.sweep("one")
    assert kind.store.sweep("one").claimed == first.claimed
    kind.store.confirm(["s1"])
    assert kind.store.sweep("one").claimed == ()


def test_a_claim_that_is_not_confirmed_is_taken_again(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    kind.store.sweep("one")
    kind.turn(CLAIM - 1)
    assert kind.store.sweep("two").claimed == ()
    kind.turn(2)
    assert ids(kind.store.sweep("two").claimed) == ["s1"]
    assert kind.store.sweep("one").claimed == ()


def test_who_confirms_late_ends_it_for_both(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)
    kind.store.sweep("one")
    kind.turn(CLAIM + 1)
    kind.store.sweep("two")
    kind.store.confirm(["s1"])
    kind.turn(CLAIM + 1)
    assert kind.store.sweep("three").claimed == ()


# ---------------------------------------------------------------- limits


def test_a_step_suspends_at_most_so_many(kind: StoreFixture) -> None:
    open_many(kind.store, 3)
    beat(kind.store)
    kind.turn(LEASE + 1)
    first = kind.store.sweep("sweeper", limit=2)
    assert (len(first.suspended), first.workers_lost) == (2, 0)
    second = kind.store.sweep("sweeper", limit=2)
    assert (len(second.suspended), second.workers_lost) == (1, 1)


def test_lost_and_silent_sessions_share_the_limit(kind: StoreFixture) -> None:
    open_many(kind.store, 2)
    kind.store.open(opening("t1", worker="w2"))
    kind.turn(SILENCE + 1)
    beat(kind.store, "w2")
    kind.turn(LEASE + 1)
    assert len(kind.store.sweep("sweeper", limit=2).suspended) == 2
    assert len(kind.store.sweep("sweeper", limit=2).suspended) == 1


def test_a_step_claims_at_most_so_many(kind: StoreFixture) -> None:
    known = open_many(kind.store, 3)
    kind.store.suspend("w1", [departure(id_) for id_ in known])
    kind.turn(RESUME + 1)
    first = ids(kind.store.sweep("sweeper", limit=2).claimed)
    kind.store.confirm(first)
    assert first + ids(kind.store.sweep("sweeper", limit=2).claimed) == known


def test_a_step_handles_a_batch_when_nothing_else_is_said(kind: StoreFixture) -> None:
    open_many(kind.store, BATCH + 1)
    kind.turn(SILENCE + 1)
    assert len(kind.store.sweep("sweeper").suspended) == BATCH
    assert len(kind.store.sweep("sweeper").suspended) == 1


# ---------------------------------------------------------------- overdue


def _lost_workers(kind: StoreFixture) -> None:
    open_many(kind.store, 3)
    beat(kind.store, "w1")
    beat(kind.store, "w2")
    kind.turn(LEASE + 1)


def _silent_and_lost(kind: StoreFixture) -> None:
    open_many(kind.store, 2)
    beat(kind.store, "w1")
    kind.turn(SILENCE + 1)


def _expired(kind: StoreFixture) -> None:
    suspended(kind.store)
    kind.turn(RESUME + 1)


def _unwanted(kind: StoreFixture) -> None:
    suspended(kind.store, "s1")
    kind.store.open(opening("s2"))
    kind.store.request_close(user="7", code=4500, reason="")


def _lost_and_unwanted(kind: StoreFixture) -> None:
    _lost_workers(kind)
    kind.store.request_close(session="s0001", code=4500, reason="")
    kind.store.request_close(session="s0002", code=4008, reason="")


def _expired_claim(kind: StoreFixture) -> None:
    closing(kind.store)
    kind.turn(CLAIM + 1)


def _nothing(kind: StoreFixture) -> None:
    open_many(kind.store, 2)
    closing(kind.store)
    suspended(kind.store, "s2")


CASES = [
    (_nothing, Overdue(0, 0, 0)),
    (_lost_workers, Overdue(3, 0, 2)),
    (_silent_and_lost, Overdue(2, 0, 1)),
    (_expired, Overdue(0, 1, 0)),
    (_unwanted, Overdue(0, 1, 0)),
    (_lost_and_unwanted, Overdue(3, 1, 2)),
    (_expired_claim, Overdue(0, 1, 0)),
]


@pytest.mark.parametrize(("prepare", "expected"), CASES)
def test_overdue_is_what_a_sweep_then_does(
    kind: StoreFixture, prepare: Callable[[StoreFixture], None], expected: Overdue
) -> None:
    prepare(kind)
    assert kind.store.overdue() == kind.store.overdue() == expected
    swept = kind.store.sweep("sweeper")
    done = Overdue(len(swept.suspended), len(swept.claimed), swept.workers_lost)
    assert done == expected


# ---------------------------------------------------------------- the last sweep

REPORT = SweepReport(suspended=1, closed=2, workers_lost=3, history_pruned=4, took_ms=5.5)


def test_there_was_no_sweep_yet(store: BlockingStore) -> None:
    assert store.stats().last_sweep is None


def test_the_last_sweep_is_remembered_with_its_time(kind: StoreFixture) -> None:
    before = kind.now()
    kind.store.note_sweep(replace(REPORT, suspended=9))
    kind.store.note_sweep(REPORT)
    last = kind.store.stats().last_sweep
    assert last is not None
    assert before <= last.at <= kind.now()
    assert replace(last, at=0) == REPORT
