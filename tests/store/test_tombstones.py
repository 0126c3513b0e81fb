"""Calls that arrive after they were abandoned find a tombstone and do nothing."""

from typing import Any

import pytest

from realtime.models import Tombstone
from realtime.store.contract import TOMBSTONE_MS, BlockingStore
from realtime.store.records import LossReason, LostSession, Registration, SessionLimit

from .builders import (
    CLOSING,
    CONNECTED,
    SUSPENDED,
    abandoned,
    beat,
    depart,
    departure,
    end_lease,
    ids,
    opened,
    opening,
    report,
    resumed,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture

LATE = TOMBSTONE_MS / 1000
GIVEN_UP = abandoned(connection="s1, first")
AGAIN_GIVEN_UP = abandoned(connection="s1, second")

# ---------------------------------------------------------------- open


@pytest.mark.parametrize("verb", ["suspend", "close"])
def test_a_late_open_opens_nothing(backend: StoreFixture, verb: str) -> None:
    assert depart(backend.store, verb, "w1", GIVEN_UP) == ()
    backend.advance(LATE - 60)
    assert backend.store.open(opening()) is None
    assert state(backend.store) is None
    assert backend.store.stats().connected == 0


def test_an_open_before_its_abandonment_is_undone(store: BlockingStore) -> None:
    opened(store, opening())
    (session,) = store.close("w1", [GIVEN_UP], "w1")
    assert (session.state, session.end_code) == (CLOSING, 4009)
    store.confirm(["s1"])
    assert store.open(opening()) is None  # a copy of it
    assert store.stats().connected == 0


def test_a_late_open_evicts_no_session(store: BlockingStore) -> None:
    opened(store, opening("s0"))
    store.close("w1", [GIVEN_UP], "w1")
    assert store.open(opening(), limit=SessionLimit(1, evict_oldest=True)) is None
    assert beat(store).inbox == ()


def test_abandoning_may_be_repeated(store: BlockingStore) -> None:
    for _ in range(3):
        assert store.close("w1", [GIVEN_UP, GIVEN_UP], "w1") == ()
    assert store.open(opening()) is None


def test_other_connections_may_open(store: BlockingStore) -> None:
    store.close("w1", [GIVEN_UP], "w1")
    assert store.open(opening("s2")) is not None


def test_an_open_and_its_abandonment_leave_no_session_in_either_order(
    backend: StoreFixture,
) -> None:
    names = [f"s{number}" for number in range(8)]

    def come(id_: str) -> Any:
        return lambda store: store.open(opening(id_))

    def go(id_: str) -> Any:
        gone = abandoned(id_, connection=f"{id_}, first")
        return lambda store: store.close("w1", [gone], "w1")

    backend.at_once([call(id_) for id_ in names for call in (come, go)])
    assert backend.store.stats().connected == 0


# ---------------------------------------------------------------- resume


def test_a_late_resume_takes_nothing_over(backend: StoreFixture) -> None:
    before = opened(backend.store, opening())
    backend.store.suspend("w2", [AGAIN_GIVEN_UP])
    backend.advance(60)
    assert backend.store.resume(returning()) is None
    assert backend.store.get("s1") == before


def test_a_late_resume_leaves_a_suspended_session_to_its_client(backend: StoreFixture) -> None:
    before = suspended(backend.store)
    backend.store.suspend("w2", [AGAIN_GIVEN_UP])
    assert backend.store.resume(returning()) is None
    assert backend.store.get("s1") == before
    backend.advance(RESUME - 1)
    assert resumed(backend.store, returning(connection="third")).generation == 2


def test_a_resume_before_its_abandonment_is_suspended(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, returning())
    assert ids(store.suspend("w2", [AGAIN_GIVEN_UP])) == ["s1"]
    assert store.resume(returning()) is None  # a copy of it
    assert state(store) is SUSPENDED
    assert resumed(store, returning(connection="third")).generation == 3


def test_abandoning_does_not_end_a_later_connection(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, returning())
    now = resumed(store, returning(connection="third", worker="w3"))
    assert store.suspend("w2", [AGAIN_GIVEN_UP]) == ()
    assert store.suspend("w2", [departure(generation=2)]) == ()
    assert store.close("w2", [departure(generation=2, code=4505)], "w2") == ()
    assert store.get("s1") == now


def test_a_tombstone_expires(backend: StoreFixture) -> None:
    backend.store.suspend("w2", [AGAIN_GIVEN_UP])
    suspended(backend.store)
    backend.advance(LATE + 1)
    opened(backend.store, opening("s2", connection="s1, second"))


# ---------------------------------------------------------------- a worker that has left


def test_a_late_beat_after_leaving_renews_nothing(backend: StoreFixture) -> None:
    opened(backend.store, opening())
    beat(backend.store)
    backend.store.leave("w1")
    before = backend.store.get("s1")
    answer = backend.store.beat(report(pings=5), [update()])
    assert (answer.renewed, answer.workers, answer.online) == (False, 0, 0)
    assert (backend.store.stats().workers, backend.store.stats().pings) == (0, 0)
    assert backend.store.get("s1") == before
    backend.advance(LEASE + 1)
    assert backend.store.sweep("sweeper").workers_lost == 0


def test_a_late_beat_suspends_no_session(backend: StoreFixture) -> None:
    opened(backend.store, opening(worker="w2"))
    beat(backend.store, "w2")
    backend.store.leave("w1")
    backend.advance(LEASE + 1)
    assert beat(backend.store, "w1").suspended == ()


def test_a_worker_that_left_opens_and_resumes_nothing(store: BlockingStore) -> None:
    before = suspended(store, "s2")
    store.leave("w3")
    assert store.open(opening(worker="w3")) is None
    assert store.resume(returning("s2", worker="w3")) is None
    assert (store.get("s1"), store.get("s2")) == (None, before)


def test_a_worker_that_left_registers_nothing(backend: StoreFixture) -> None:
    session = opened(backend.store, opening())
    backend.empty()
    backend.store.leave("w1")
    assert backend.store.register("w1", [Registration(session, "token of s1", "s1, first")]) == ()
    assert backend.store.stats().connected == 0


def test_a_lost_worker_may_beat_again(backend: StoreFixture) -> None:
    """It was frozen, but did not leave."""
    end_lease(backend)
    beat(backend.store, "w2")
    assert backend.store.open(opening()) is not None
    assert beat(backend.store).workers == 2


# ---------------------------------------------------------------- sessions that were closed


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("code", [1000, 4009, 4505])
def test_a_closed_session_is_not_registered_again(
    backend: StoreFixture, code: int, confirmed: bool
) -> None:
    """By a registration sent before its end that arrives afterwards."""
    session = opened(backend.store, opening())
    beat(backend.store)
    backend.store.close("w1", [departure(code=code)], "w1")
    if confirmed:
        backend.store.confirm(["s1"])
    backend.advance(60)
    assert backend.store.register("w1", [Registration(session, "token of s1", "s1, first")]) == ()
    assert backend.store.get("s1") is None
    assert backend.store.stats().connected == 0
    assert beat(backend.store, "w1", update()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_closed_session_is_not_opened_again(store: BlockingStore, confirmed: bool) -> None:
    """By a repeated call that arrives after its end."""
    store.open(opening())
    store.close("w1", [departure(code=1000)], "w1")
    if confirmed:
        store.confirm(["s1"])
    assert store.open(opening()) is None
    assert store.stats().connected == 0


def test_other_sessions_are_registered(backend: StoreFixture) -> None:
    sessions = [opened(backend.store, opening(id_)) for id_ in ("s1", "s2", "s3")]
    backend.empty()
    opened(backend.store, opening("s2"))
    backend.store.close("w1", [departure("s2", code=1000)], "w1")
    backend.store.confirm(["s2"])
    given = [Registration(s, f"token of {s.id}", f"{s.id}, first") for s in sessions]
    assert backend.store.register("w1", given) == ()
    assert [state(backend.store, id_) for id_ in ("s1", "s2", "s3")] == [CONNECTED, None, CONNECTED]


def test_an_expired_session_leaves_no_tombstone(backend: StoreFixture) -> None:
    """There may be many, and no late call can concern them."""
    suspended(backend.store)
    backend.advance(RESUME + 1)
    backend.store.sweep("sweeper")
    backend.store.confirm(["s1"])
    assert tombs(backend) == 0


def tombs(backend: StoreFixture) -> int:
    """How many tombstones and requested ends the store holds."""
    if hasattr(backend, "client"):
        return len(backend.client.keys("*:tomb:*")) + len(backend.client.keys("*:ended:*"))
    return Tombstone.objects.using(backend.database.alias).count()  # type: ignore[attr-defined]


def test_expired_tombstones_are_deleted(backend: StoreFixture) -> None:
    opened(backend.store, opening())
    backend.store.request_close(session="s1", code=4500, reason="")
    backend.store.close("w1", [departure(code=4500), abandoned("s2", connection="s2, first")], "w1")
    backend.store.confirm(["s1"])
    backend.store.leave("w1")
    assert tombs(backend) == 4
    backend.advance(LATE - 1)
    backend.store.sweep("sweeper")
    assert tombs(backend) == 3
    backend.advance(2)
    backend.store.sweep("sweeper")
    assert tombs(backend) == 0


def test_nothing_counts_tombstones(backend: StoreFixture) -> None:
    opened(backend.store, opening())
    backend.store.close("w1", [departure(code=4500)], "w1")
    backend.store.confirm(["s1"])
    stats, overdue = backend.store.stats(), backend.store.overdue()
    assert (stats.connected, stats.suspended, stats.users) == (0, 0, 0)
    assert (overdue.suspend, overdue.close) == (0, 0)
    assert backend.store.open(opening("s2"), limit=SessionLimit(1, evict_oldest=False)) is not None


def test_a_session_without_a_tombstone_ends_as_usual(backend: StoreFixture) -> None:
    opened(backend.store, opening())
    backend.advance(SILENCE + 1)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]
