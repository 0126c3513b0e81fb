"""A store's clock that is corrected after it was in the future, or set back or forward while
sessions are connected."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from realtime.protocol.codes import CloseCode
from realtime.store.contract import BATCH
from realtime.store.records import Overdue, SessionLimit, Verdict
from realtime.store.timeouts import Timeouts

from .builders import (
    CONNECTED,
    beat,
    closing,
    departure,
    end_lease,
    found,
    ids,
    open_many,
    opened,
    opening,
    registration,
    resumed,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import CLAIM, LEASE, RESUME, STORE_FIXTURES, StoreFixture

HOURS = 2 * 3600
MINUTE = 60


# ---------------------------------------------------------------- what was left behind


def test_a_lease_from_the_future_is_over(backend: StoreFixture) -> None:
    beat(backend.store, "w1", connections=4)
    backend.advance(-HOURS)
    assert backend.store.stats().workers == 0
    assert backend.store.workers() == ()
    answer = beat(backend.store, "w2", connections=3)
    assert (answer.workers, answer.online) == (1, 3)


def test_a_worker_that_stood_still_suspends_no_session_for_a_lease(backend: StoreFixture) -> None:
    # Its sweep may be under way when its own beat renews the lease.
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        beat(backend.store, worker)
        backend.store.open(opening(session, worker=worker))
    backend.advance(HOURS)
    beat(backend.store, "w1")
    assert backend.store.sweep("w1 1").suspended == ()
    backend.advance(LEASE - 1)
    assert backend.store.sweep("w1 2").suspended == ()
    beat(backend.store, "w1")
    backend.advance(2)
    assert sorted(ids(backend.store.sweep("w1 3").suspended)) == ["s1", "s2"]


def test_a_clock_that_is_set_back_ends_the_pause_of_a_worker(backend: StoreFixture) -> None:
    beat(backend.store, "w1")
    beat(backend.store, "w2")
    backend.store.open(opening("s1", worker="w2"))
    for step in (HOURS, -HOURS, LEASE - 1):
        backend.advance(step)
        beat(backend.store, "w1")
    backend.advance(2)
    assert ids(backend.store.sweep("w1 1").suspended) == ["s1"]


@pytest.mark.parametrize("finder", ["beat", "sweep"])
def test_sessions_of_a_lease_from_the_future_are_suspended(
    backend: StoreFixture, finder: str
) -> None:
    backend.store.open(opening())
    beat(backend.store, "w1")
    backend.advance(-HOURS)
    assert backend.store.overdue() == Overdue(suspend=1, close=0, workers_lost=1)
    answer = beat(backend.store, "w2") if finder == "beat" else backend.store.sweep("sweeper")
    assert ids(answer.suspended) == ["s1"]
    assert backend.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    assert found(backend.store).last_beat <= backend.now()
    backend.advance(RESUME + 1)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]


def test_a_beat_from_the_future_does_not_count(backend: StoreFixture) -> None:
    backend.store.open(opening())  # its worker was killed before its first beat
    backend.advance(-HOURS)
    assert backend.store.overdue() == Overdue(suspend=1, close=0, workers_lost=0)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]
    session = found(backend.store)
    assert session.opened_at <= session.connected_at <= session.last_beat <= backend.now()


def test_many_beats_from_the_future_are_found_in_steps(backend: StoreFixture) -> None:
    open_many(backend.store, BATCH + 2)
    backend.advance(-HOURS)
    backend.store.open(opening("alive"))
    assert backend.store.overdue() == Overdue(suspend=BATCH + 2, close=0, workers_lost=0)
    assert len(backend.store.sweep("sweeper").suspended) == BATCH
    assert len(backend.store.sweep("sweeper").suspended) == 2
    assert state(backend.store, "alive") is CONNECTED


def test_a_connected_session_may_resume_after_the_clock_was_set_right(
    backend: StoreFixture,
) -> None:
    backend.store.open(opening())
    beat(backend.store, "w1")
    backend.advance(-HOURS)
    session = resumed(backend.store, returning())
    assert session.opened_at <= session.connected_at <= session.last_beat <= backend.now()


def test_a_window_from_the_future_is_over(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(-HOURS)
    assert backend.store.overdue() == Overdue(suspend=0, close=1, workers_lost=0)
    assert backend.store.resume(returning()) is None
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]
    assert state(backend.store) is None


def test_a_window_from_the_future_is_not_counted_twice(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.store.request_close(session="s1", code=4500, reason="")
    backend.advance(-HOURS)
    assert backend.store.overdue() == Overdue(suspend=0, close=1, workers_lost=0)


def test_a_claim_from_the_future_is_over(backend: StoreFixture) -> None:
    closing(backend.store, claimant="one")
    assert backend.store.sweep("two").claimed == ()
    backend.advance(-HOURS)
    assert backend.store.overdue().close == 1
    assert ids(backend.store.sweep("two").claimed) == ["s1"]
    assert backend.store.sweep("one").claimed == ()
    backend.advance(CLAIM - 1)
    assert backend.store.sweep("three").claimed == ()


def test_a_session_that_ended_in_the_future_gets_times_of_the_past(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(10 * MINUTE)
    beat(backend.store, "w1", update())
    backend.advance(-HOURS)
    (session,) = backend.store.close("w1", [departure(code=1000)], "w1")
    assert session.opened_at <= session.connected_at <= session.last_beat <= backend.now()
    assert session.last_beat - session.opened_at >= 10 * MINUTE * 1000  # as long as it was


@pytest.mark.parametrize("place", ["suspended", "connected"])
def test_sessions_from_the_future_make_room(backend: StoreFixture, place: str) -> None:
    for session in ("s1", "s2"):
        backend.store.open(opening(session))
    beat(backend.store, "w1")
    if place == "suspended":
        backend.store.suspend("w1", [departure("s1"), departure("s2")])
    backend.advance(-HOURS)
    assert (
        backend.store.open(opening("s3", worker="w2"), limit=SessionLimit(2, evict_oldest=False))
        is not None
    )


def test_a_worker_lost_in_the_future_stays_lost(backend: StoreFixture) -> None:
    """It had no lease when the clock was corrected, and has none until it beats."""
    backend.store.open(opening())
    end_lease(backend)
    beat(backend.store, "w2")
    backend.store.leave("w2")
    backend.advance(-HOURS)
    assert backend.store.overdue().workers_lost == 0
    assert backend.store.stats().workers == 0
    assert not beat(backend.store, "w1", update()).renewed
    assert beat(backend.store, "w1", update()).renewed


# ---------------------------------------------------------------- what must stay


@pytest.fixture
def other(backend: StoreFixture, request: pytest.FixtureRequest) -> Iterator[StoreFixture]:
    """The same store with other settings: all timeouts are short."""
    ground, make = STORE_FIXTURES[request.node.callspec.params["backend"]]
    short = Timeouts(lease_ms=5_000, resume_ms=6_000, session_ms=30_000, claim_ms=7_000)
    other = make(request.getfixturevalue(ground), short)
    yield other
    other.close()


def test_a_changed_setting_ends_nothing(backend: StoreFixture, other: StoreFixture) -> None:
    backend.store.open(opening("live"))
    beat(backend.store, "w1")
    suspended(backend.store, "away")
    closing(backend.store, "ended", claimant="one")
    assert other.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    swept = other.store.sweep("two")
    assert (swept.suspended, swept.claimed, swept.workers_lost) == ((), (), 0)
    assert other.store.stats().workers == 1
    assert other.store.resume(returning("away")) is not None


@pytest.mark.parametrize("seconds", [1, LEASE - 1])
def test_a_clock_set_back_by_less_than_a_lease_changes_nothing(
    backend: StoreFixture, seconds: int
) -> None:
    backend.store.open(opening("live"))
    beat(backend.store, "w1")
    suspended(backend.store, "away")
    closing(backend.store, "ended", claimant="one")
    backend.advance(-seconds)
    assert backend.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    assert backend.store.stats().workers == 1
    assert beat(backend.store, "w2").suspended == ()
    assert backend.store.sweep("two").claimed == ()
    assert beat(backend.store, "w1", update("live")).renewed
    assert backend.store.resume(returning("away")) is not None


@pytest.mark.parametrize("seconds", [-HOURS, HOURS, -LEASE - 1, LEASE + 1])
def test_live_sessions_stay_connected_when_the_clock_is_set(
    backend: StoreFixture, seconds: int
) -> None:
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        backend.store.open(opening(session, worker=worker))
        beat(backend.store, worker, update(session))
    backend.advance(seconds)
    first = beat(backend.store, "w1", update("s1"))
    assert (first.renewed, first.suspended, first.lost) == (False, (), ())  # w2 has yet to beat
    second = beat(backend.store, "w2", update("s2"))
    assert (second.renewed, second.suspended, second.lost) == (False, (), ())
    assert (second.workers, second.online) == (2, 2)
    assert backend.store.overdue() == Overdue(suspend=0, close=0, workers_lost=0)
    for session in ("s1", "s2"):
        record = found(backend.store, session)
        assert record.state is CONNECTED
        assert record.opened_at <= record.connected_at <= record.last_beat <= backend.now()
        assert record.last_beat >= backend.now() - MINUTE * 1000
    assert beat(backend.store, "w1").renewed


@pytest.mark.parametrize("claimant", ["w1", "w1 too"])
@pytest.mark.parametrize("seconds", [-HOURS, HOURS, LEASE + 1])
def test_a_worker_that_has_yet_to_beat_suspends_no_session(
    backend: StoreFixture, seconds: int, claimant: str
) -> None:
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        backend.store.open(opening(session, worker=worker))
        beat(backend.store, worker, update(session))
    suspended(backend.store, "away")
    backend.advance(seconds)
    swept = backend.store.sweep(claimant)
    assert (swept.suspended, swept.workers_lost) == ((), 0)
    assert ids(swept.claimed) == (["away"] if abs(seconds) > RESUME else [])
    for worker, session in (("w1", "s1"), ("w2", "s2")):
        beat(backend.store, worker, update(session))
    assert backend.store.sweep("w1").suspended == ()


def test_a_verdict_from_the_future_is_over(backend: StoreFixture) -> None:
    backend.store.open(opening())
    (session,) = backend.store.close("w1", [departure(code=4500)], "w1")
    backend.store.confirm([session.id])
    assert isinstance(backend.store.resume(returning()), Verdict)
    backend.advance(-HOURS)
    assert backend.store.resume(returning()) is None


def test_a_start_goes_back_by_as_much_as_the_last_beat(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(10 * MINUTE)
    beat(backend.store, "w1", update())
    backend.advance(-HOURS)
    beat(backend.store, "w1", update(idle_ms=5_000))
    session = found(backend.store)
    assert 10 * MINUTE <= (session.last_beat - session.opened_at) / 1000 < 11 * MINUTE
    assert session.opened_at == session.connected_at


def test_a_start_of_the_right_clock_stays(backend: StoreFixture) -> None:
    began = opened(backend.store, opening())
    backend.advance(HOURS + MINUTE)
    beat(backend.store, "w1", update())
    backend.advance(-HOURS)
    beat(backend.store, "w1", update())
    assert found(backend.store).opened_at == began.opened_at


@pytest.mark.parametrize("was", ["lost", "departed"])
def test_a_session_that_came_back_is_found_by_its_start(backend: StoreFixture, was: str) -> None:
    """The orders of the indexes agree with the sessions' own times."""
    open_many(backend.store, 3)
    backend.advance(-HOURS)
    if was == "lost":
        backend.store.sweep("sweeper")
        beat(backend.store, "w1", update("s0000"), update("s0001"), update("s0002"))
    else:
        backend.store.suspend("w1", [departure("s0000")])
        backend.store.resume(returning("s0001"))
        beat(backend.store, "w1", update("s0002"))
    backend.advance(1)
    newest = opened(backend.store, opening("newest"))
    first, *others = backend.store.of_user("7")
    assert first == newest
    starts = [session.opened_at for session in others]
    assert starts == sorted(starts, reverse=True)
    assert starts[0] < newest.opened_at


def test_the_oldest_session_is_still_evicted_first(backend: StoreFixture) -> None:
    backend.store.open(opening("old"))
    backend.advance(-HOURS)
    beat(backend.store, "w1", update("old"))
    backend.advance(1)
    backend.store.open(opening("new"))
    backend.advance(1)
    assert (
        backend.store.open(opening("newest"), limit=SessionLimit(2, evict_oldest=True)) is not None
    )
    (requested,) = beat(backend.store, "w1").inbox
    assert (requested.session, requested.code) == ("old", CloseCode.TOO_MANY_SESSIONS)


@pytest.mark.parametrize("stored", [True, False])
def test_a_registration_from_the_future_gets_times_of_the_past(
    backend: StoreFixture, stored: bool
) -> None:
    session = opened(backend.store, opening())
    if not stored:
        backend.empty()
    backend.advance(-HOURS)
    ahead = replace(session, generation=session.generation + (1 if stored else 0))
    assert backend.store.register("w1", [registration(ahead)]) == ()
    record = found(backend.store)
    assert record.opened_at <= record.connected_at <= record.last_beat <= backend.now()
    assert backend.store.sweep("sweeper").suspended == ()
