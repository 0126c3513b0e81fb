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
    end_lease,
    ids,
    open_many,
    opening,
    state,
    suspended,
)
from .store_fixtures import CLAIM, RESUME, SILENCE, StoreFixture


def test_a_sweep_of_an_empty_store(store: BlockingStore) -> None:
    open_many(store, 2)
    suspended(store)
    beat(store)
    swept = store.sweep("sweeper")
    assert (swept.suspended, swept.claimed, swept.workers_lost) == ((), (), 0)


def test_a_sweep_suspends_the_sessions_of_lost_workers(backend: StoreFixture) -> None:
    backend.store.open(opening("s1", worker="w1"))
    backend.store.open(opening("s2", worker="w2"))
    end_lease(backend)
    beat(backend.store, "w3")
    beat(backend.store, "w2")
    backend.advance(1)
    swept = backend.store.sweep("sweeper")
    assert swept.workers_lost == 0  # the beats have found it
    assert (state(backend.store, "s1"), state(backend.store, "s2")) == (SUSPENDED, CONNECTED)


def test_a_lost_worker_is_counted_once(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store, "w1")
    end_lease(backend, "w2")
    first = backend.store.sweep("sweeper")
    assert (ids(first.suspended), first.workers_lost) == (["s1"], 2)
    again = backend.store.sweep("sweeper")
    assert (again.suspended, again.workers_lost) == ((), 0)


def test_a_session_without_a_worker_is_swept_by_its_own_deadline(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(SILENCE - 1)
    assert backend.store.sweep("sweeper").suspended == ()
    backend.advance(2)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]


def test_a_session_suspended_by_a_sweep_keeps_its_whole_window(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(10 * SILENCE)
    swept = backend.store.sweep("sweeper")
    assert (ids(swept.suspended), swept.claimed) == (["s1"], ())
    backend.advance(RESUME - 1)
    assert backend.store.sweep("sweeper").claimed == ()
    backend.advance(2)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_an_expired_session_ends_as_its_connection_did(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    (session,) = backend.store.sweep("sweeper").claimed
    assert (session.state, session.end_code) == (CLOSING, 1006)
    assert session.end_reason == "connection lost"
    assert state(backend.store) is None


# ---------------------------------------------------------------- claims


def test_two_claimants_never_hold_the_same_claim(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    assert ids(backend.store.sweep("one").claimed) == ["s1"]
    assert backend.store.sweep("two").claimed == ()


def test_a_repeated_sweep_returns_unconfirmed_claims(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    first = backend.store.sweep("one")
    assert backend.store.sweep("one").claimed == first.claimed
    backend.store.confirm(["s1"])
    assert backend.store.sweep("one").claimed == ()


def test_a_claim_that_is_not_confirmed_is_taken_again(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    backend.store.sweep("one")
    backend.advance(CLAIM - 1)
    assert backend.store.sweep("two").claimed == ()
    backend.advance(2)
    assert ids(backend.store.sweep("two").claimed) == ["s1"]
    assert backend.store.sweep("one").claimed == ()


def test_a_late_confirmation_ends_the_session_for_both(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)
    backend.store.sweep("one")
    backend.advance(CLAIM + 1)
    backend.store.sweep("two")
    backend.store.confirm(["s1"])
    backend.advance(CLAIM + 1)
    assert backend.store.sweep("three").claimed == ()


# ---------------------------------------------------------------- limits


def test_a_step_suspends_at_most_so_many(backend: StoreFixture) -> None:
    open_many(backend.store, 3)
    end_lease(backend)
    first = backend.store.sweep("sweeper", limit=2)
    assert (len(first.suspended), first.workers_lost) == (2, 0)
    second = backend.store.sweep("sweeper", limit=2)
    assert (len(second.suspended), second.workers_lost) == (1, 1)


def test_lost_and_silent_sessions_share_the_limit(backend: StoreFixture) -> None:
    open_many(backend.store, 2)
    backend.store.open(opening("t1", worker="w2"))
    backend.advance(SILENCE + 1)
    end_lease(backend, "w2")
    assert len(backend.store.sweep("sweeper", limit=2).suspended) == 2
    assert len(backend.store.sweep("sweeper", limit=2).suspended) == 1


def test_a_step_claims_at_most_so_many(backend: StoreFixture) -> None:
    known = open_many(backend.store, 3)
    backend.store.suspend("w1", [departure(id_) for id_ in known])
    backend.advance(RESUME + 1)
    first = ids(backend.store.sweep("sweeper", limit=2).claimed)
    backend.store.confirm(first)
    assert first + ids(backend.store.sweep("sweeper", limit=2).claimed) == known


def test_a_step_handles_a_batch_by_default(backend: StoreFixture) -> None:
    open_many(backend.store, BATCH + 1)
    backend.advance(SILENCE + 1)
    assert len(backend.store.sweep("sweeper").suspended) == BATCH
    assert len(backend.store.sweep("sweeper").suspended) == 1


# ---------------------------------------------------------------- overdue


def _lost_workers(backend: StoreFixture) -> None:
    open_many(backend.store, 3)
    beat(backend.store, "w1")
    end_lease(backend, "w2")


def _silent_and_lost(backend: StoreFixture) -> None:
    open_many(backend.store, 2)
    beat(backend.store, "w1")
    backend.advance(SILENCE + 1)


def _expired(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(RESUME + 1)


def _unwanted(backend: StoreFixture) -> None:
    suspended(backend.store, "s1")
    backend.store.open(opening("s2"))
    backend.store.request_close(user="7", code=4500, reason="")


def _lost_and_unwanted(backend: StoreFixture) -> None:
    _lost_workers(backend)
    backend.store.request_close(session="s0001", code=4500, reason="")
    backend.store.request_close(session="s0002", code=4008, reason="")


def _expired_claim(backend: StoreFixture) -> None:
    closing(backend.store)
    backend.advance(CLAIM + 1)


def _nothing(backend: StoreFixture) -> None:
    open_many(backend.store, 2)
    closing(backend.store)
    suspended(backend.store, "s2")


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
def test_overdue_counts_what_a_sweep_then_does(
    backend: StoreFixture, prepare: Callable[[StoreFixture], None], expected: Overdue
) -> None:
    prepare(backend)
    assert backend.store.overdue() == backend.store.overdue() == expected
    swept = backend.store.sweep("sweeper")
    done = Overdue(len(swept.suspended), len(swept.claimed), swept.workers_lost)
    assert done == expected


# ---------------------------------------------------------------- the last sweep

REPORT = SweepReport(suspended=1, closed=2, workers_lost=3, history_pruned=4, took_ms=5.5)


def test_there_is_no_last_sweep_at_first(store: BlockingStore) -> None:
    assert store.stats().last_sweep is None


def test_the_last_sweep_is_remembered_with_its_time(backend: StoreFixture) -> None:
    before = backend.now()
    backend.store.note_sweep(replace(REPORT, suspended=9))
    backend.store.note_sweep(REPORT)
    last = backend.store.stats().last_sweep
    assert last is not None
    assert before <= last.at <= backend.now()
    assert replace(last, at=0) == REPORT
