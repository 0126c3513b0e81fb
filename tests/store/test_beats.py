"""``beat`` and ``leave``: the lease, and what a worker and its sessions report."""

import pytest

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import CloseRequest, LossReason, LostSession, Totals

from .builders import (
    CONNECTED,
    SUSPENDED,
    beat,
    closing,
    departure,
    end_lease,
    found,
    ids,
    open_many,
    opened,
    opening,
    report,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture

# ---------------------------------------------------------------- the lease


def test_the_first_beat_of_a_worker_is_not_renewed(store: BlockingStore) -> None:
    assert not beat(store).renewed
    assert beat(store).renewed


def test_an_empty_beat_renews_the_lease(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store)
    backend.advance(LEASE - 1)
    assert beat(backend.store).renewed
    backend.advance(LEASE - 1)
    assert beat(backend.store, "w2").suspended == ()


def test_an_ended_lease_begins_anew(backend: StoreFixture) -> None:
    end_lease(backend)
    assert not beat(backend.store).renewed
    assert beat(backend.store).renewed


def test_any_beat_suspends_the_sessions_of_an_ended_lease(backend: StoreFixture) -> None:
    backend.store.open(opening("s1"))
    backend.store.open(opening("s2", worker="w2"))
    end_lease(backend)
    answer = beat(backend.store, "w2")
    assert ids(answer.suspended) == ["s1"]
    assert (answer.suspended[0].state, answer.suspended[0].end_code) == (SUSPENDED, 1006)
    assert state(backend.store, "s2") is CONNECTED
    assert beat(backend.store, "w2").suspended == ()


def test_a_beat_without_suspend_lost_suspends_no_session(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    assert backend.store.beat(report("w2"), (), suspend_lost=False).suspended == ()
    assert state(backend.store) is CONNECTED
    assert beat(backend.store, "w2").suspended != ()


def test_a_worker_whose_lease_ended_suspends_no_session(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    assert beat(backend.store).suspended == ()
    assert state(backend.store) is CONNECTED


def test_the_window_of_a_lost_session_begins_when_it_is_suspended(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store)
    backend.advance(LEASE + 60)
    beat(backend.store, "w2")
    backend.advance(RESUME - 1)
    assert backend.store.resume(returning()) is not None


def test_more_sessions_than_a_call_handles_are_lost_in_steps(backend: StoreFixture) -> None:
    open_many(backend.store, BATCH + 2)
    end_lease(backend)
    assert len(beat(backend.store, "w2").suspended) == BATCH
    assert len(beat(backend.store, "w2").suspended) == 2


def test_online_counts_the_connections_of_live_workers(backend: StoreFixture) -> None:
    beat(backend.store, "w1", connections=3)
    backend.advance(LEASE / 2)
    assert beat(backend.store, "w2", connections=4).online == 7
    backend.advance(LEASE / 2 + 1)
    assert beat(backend.store, "w2", connections=5).online == 5


# ---------------------------------------------------------------- sessions


def test_a_beat_reports_absolute_values(store: BlockingStore) -> None:
    store.open(opening())
    totals = Totals(pings=5, pongs=4, invalid_pongs=3, misses=2, frames_in=7, frames_out=6)
    news = update(latency_ms=12.5, missed=1, visibility="hidden", totals=totals)
    beat(store, "w1", news)
    beat(store, "w1", news)
    session = found(store)
    assert (session.totals, session.latency_ms, session.missed) == (totals, 12.5, 1)
    assert session.visibility == "hidden"


def test_idle_ms_dates_the_last_proof_of_life(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(60)
    before = backend.now()
    beat(backend.store, "w1", update(idle_ms=20_000))
    session = found(backend.store)
    assert before - 20_000 <= session.last_beat <= backend.now() - 20_000


def test_the_last_proof_of_life_never_goes_back(backend: StoreFixture) -> None:
    before = opened(backend.store, opening())
    beat(backend.store, "w1", update(idle_ms=5_000))
    session = found(backend.store)
    assert session.last_beat == before.last_beat


def test_a_session_without_a_beat_is_suspended_while_its_worker_lives(
    backend: StoreFixture,
) -> None:
    open_many(backend.store, 2)
    backend.advance(SILENCE - 1)
    beat(backend.store, "w1", update("s0000"))
    backend.advance(2)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s0001"]


def test_the_deadline_counts_from_the_last_proof_of_life(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(60)
    beat(backend.store, "w1", update(idle_ms=50_000))
    backend.advance(SILENCE - 51)
    beat(backend.store)
    assert backend.store.sweep("sweeper").suspended == ()
    backend.advance(2)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]


@pytest.mark.parametrize("end", ["never opened", "closing", "closed", "departed", "another's"])
def test_a_session_that_is_not_the_workers_is_unknown(store: BlockingStore, end: str) -> None:
    match end:
        case "closing":
            closing(store)
        case "closed":
            closing(store)
            store.confirm(["s1"])
        case "departed":
            suspended(store)
        case "another's":
            store.open(opening(worker="w2"))
    before = store.get("s1")
    assert beat(store, "w1", update()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)
    assert store.get("s1") == before


def test_a_session_resumed_elsewhere_is_taken_over(store: BlockingStore) -> None:
    store.open(opening())
    after = store.resume(returning())
    first, second = beat(store, "w1", update()), beat(store, "w1", update())
    assert first.lost == second.lost == (LostSession("s1", 1, LossReason.TAKEN_OVER),)
    assert store.get("s1") == after


def test_a_lost_session_does_not_affect_the_others(store: BlockingStore) -> None:
    store.open(opening("s2"))
    answer = beat(store, "w1", update("s1"), update("s2", missed=2))
    assert [lost.session for lost in answer.lost] == ["s1"]
    session = found(store, "s2")
    assert session.missed == 2


def test_a_beat_with_a_full_batch(store: BlockingStore) -> None:
    known = open_many(store, BATCH)
    assert beat(store, "w1", *[update(id_, missed=1) for id_ in known]).lost == ()
    assert store.stats().unhealthy == BATCH


# ---------------------------------------------------------------- the inbox


def test_the_inbox_lists_sessions_until_they_are_closed(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4500, reason="go")
    requested = (CloseRequest("s1", 1, 4500, "go"),)
    assert beat(store).inbox == beat(store).inbox == requested
    store.close("w1", [departure(code=4500)], "w1")
    assert beat(store).inbox == ()


def test_a_worker_gets_only_its_own_inbox(store: BlockingStore) -> None:
    store.open(opening())
    store.request_close(session="s1", code=4500, reason="")
    assert beat(store, "w2").inbox == ()


def test_a_request_reaches_a_worker_that_reattaches_its_session(
    backend: StoreFixture,
) -> None:
    backend.store.open(opening())
    end_lease(backend)
    backend.store.request_close(session="s1", code=4500, reason="")
    beat(backend.store, "w2")
    assert [entry.session for entry in beat(backend.store, "w1", update()).inbox] == ["s1"]


def test_a_full_inbox_comes_in_pieces(store: BlockingStore) -> None:
    known = open_many(store, BATCH + 2)
    store.request_close(user="7", code=4500, reason="")
    first = [entry.session for entry in beat(store).inbox]
    assert first == known[:BATCH]
    store.close("w1", [departure(id_) for id_ in first], "w1")
    assert [entry.session for entry in beat(store).inbox] == known[BATCH:]


# ---------------------------------------------------------------- leaving


def test_leaving_ends_the_lease_and_suspends_the_remaining_sessions(backend: StoreFixture) -> None:
    backend.store.open(opening("s1"))
    backend.store.open(opening("s2", worker="w2"))
    beat(backend.store)
    left = backend.store.leave("w1")
    assert [(s.id, s.state, s.worker) for s in left] == [("s1", SUSPENDED, "")]
    assert state(backend.store, "s2") is CONNECTED
    assert backend.store.stats().workers == 0
    backend.advance(RESUME - 1)
    assert backend.store.resume(returning()) is not None


def test_a_repeated_leave_gives_the_same_answer(backend: StoreFixture) -> None:
    suspended(backend.store, "earlier")
    backend.store.open(opening("s1"))
    beat(backend.store)
    first = backend.store.leave("w1")
    backend.advance(RESUME / 2)
    assert backend.store.leave("w1") == first
    assert ids(first) == ["s1"]
    backend.advance(RESUME / 2 + 1)
    assert backend.store.resume(returning()) is None


def test_a_worker_that_left_is_not_lost(backend: StoreFixture) -> None:
    beat(backend.store)
    backend.store.leave("w1")
    backend.advance(LEASE + 1)
    assert backend.store.sweep("sweeper").workers_lost == 0


def test_leaving_suspends_no_session_that_was_resumed_elsewhere(store: BlockingStore) -> None:
    store.open(opening())
    store.resume(returning())
    assert store.leave("w1") == ()
    assert state(store) is CONNECTED


def test_an_unknown_worker_may_leave(store: BlockingStore) -> None:
    assert store.leave("unknown") == ()


def test_a_report_is_stored_as_it_is(store: BlockingStore) -> None:
    store.beat(report(connections=2, pings=5, pongs=4, timeouts=1), ())
    stats = store.stats()
    assert (stats.workers, stats.pings, stats.pongs, stats.timeouts) == (1, 5, 4, 1)


# ---------------------------------------------------------------- the store's content


def test_every_beat_names_the_same_incarnation(backend: StoreFixture) -> None:
    first = beat(backend.store, "w1").incarnation
    backend.store.open(opening())
    backend.advance(LEASE + 1)
    backend.store.sweep("sweeper")
    assert first
    assert {beat(backend.store, worker).incarnation for worker in ("w1", "w2")} == {first}


def test_an_emptied_store_is_another_incarnation(backend: StoreFixture) -> None:
    names = set()
    for _ in range(3):
        names.add(beat(backend.store).incarnation)
        backend.empty()
    assert len(names) == 3


def test_an_emptied_store_knows_no_session(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store)
    backend.empty()
    answer = beat(backend.store, "w1", update())
    assert not answer.renewed
    assert answer.lost == (LostSession("s1", 1, LossReason.UNKNOWN),)


def test_a_beat_counts_the_live_workers(backend: StoreFixture) -> None:
    assert beat(backend.store, "w1").workers == 1
    backend.advance(LEASE / 2)
    assert beat(backend.store, "w2").workers == 2
    backend.advance(LEASE / 2 + 1)
    assert beat(backend.store, "w2").workers == 1
    backend.store.leave("w2")
    assert beat(backend.store, "w1").workers == 1
