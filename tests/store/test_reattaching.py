"""``beat`` of a worker that stood still: its sessions are reattached."""

from realtime.store.contract import BlockingStore
from realtime.store.records import LossReason, LostSession

from .builders import (
    CONNECTED,
    beat,
    end_lease,
    found,
    ids,
    opened,
    opening,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture

# ---------------------------------------------------------------- the lease


def test_a_worker_that_stood_still_reattaches_its_sessions(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    beat(backend.store, "w2")
    answer = beat(backend.store, "w1", update())
    assert (answer.renewed, answer.lost) == (False, ())
    session = found(backend.store)
    assert (session.state, session.generation, session.worker) == (CONNECTED, 1, "w1")
    assert (session.end_code, session.end_reason) == (0, "")


def test_of_two_updates_of_one_session_the_last_counts(store: BlockingStore) -> None:
    store.open(opening())
    beat(store, "w1", update(missed=2), update(visibility="hidden"))
    session = found(store)
    assert (session.missed, session.visibility) == (0, "hidden")
    assert store.stats().healthy == 1


def test_a_reattached_session_has_not_ended_before_it_began(backend: StoreFixture) -> None:
    before = opened(backend.store, opening())
    end_lease(backend)
    beat(backend.store, "w2")
    beat(backend.store, "w1", update(), update(idle_ms=60_000))
    session = found(backend.store)
    assert (session.state, session.last_beat >= before.last_beat) == (CONNECTED, True)


def test_a_reattached_session_stays_connected(backend: StoreFixture) -> None:
    backend.store.open(opening())
    beat(backend.store)
    backend.advance(SILENCE + 1)
    backend.store.sweep("sweeper")
    beat(backend.store, "w1", update())
    backend.advance(LEASE - 1)
    beat(backend.store)
    assert backend.store.sweep("sweeper").suspended == ()


def test_a_silent_session_is_reattached(backend: StoreFixture) -> None:
    backend.store.open(opening())
    backend.advance(SILENCE + 1)
    beat(backend.store)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]
    assert beat(backend.store, "w1", update()).lost == ()
    assert state(backend.store) is CONNECTED


def test_a_session_resumed_elsewhere_stays_there(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    beat(backend.store, "w2")
    backend.store.resume(returning())
    assert beat(backend.store, "w1", update()).lost == (
        LostSession("s1", 1, LossReason.TAKEN_OVER),
    )


def test_a_session_closed_meanwhile_stays_closed(backend: StoreFixture) -> None:
    backend.store.open(opening())
    end_lease(backend)
    backend.store.sweep("sweeper")
    backend.advance(RESUME + 1)
    assert ids(backend.store.sweep("sweeper").claimed) == ["s1"]
    assert beat(backend.store, "w1", update()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)


def test_a_departed_session_is_not_reattached(backend: StoreFixture) -> None:
    suspended(backend.store)
    backend.advance(LEASE + 1)
    beat(backend.store, "w2")
    assert beat(backend.store, "w1", update()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)
