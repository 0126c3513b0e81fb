"""Calls that the store executes after they were given up: they find a tombstone, and do nothing."""

from typing import Any

import pytest

from realtime.models import Tombstone
from realtime.store.contract import LATE_MS, BlockingStore
from realtime.store.records import LossReason, LostSession, Registration, SessionLimit

from .builders import (
    CLOSING,
    CONNECTED,
    SUSPENDED,
    beat,
    departure,
    forsaken,
    ids,
    opened,
    opening,
    pulse,
    report,
    resumed,
    returning,
    state,
    suspended,
)
from .kinds import LEASE, RESUME, SILENCE, StoreFixture

LATE = LATE_MS / 1000
GIVEN_UP = forsaken(connection="s1, first")
AGAIN_GIVEN_UP = forsaken(connection="s1, second")

# ---------------------------------------------------------------- open


@pytest.mark.parametrize("verb", ["suspend", "close"])
def test_a_late_open_opens_nothing(kind: StoreFixture, verb: str) -> None:
    assert give_up(kind.store, verb, "w1", GIVEN_UP) == ()
    kind.turn(LATE - 60)
    assert kind.store.open(opening()) is None
    assert state(kind.store) is None
    assert kind.store.stats().connected == 0


def give_up(store: BlockingStore, verb: str, worker: str, *departures: Any) -> Any:
    if verb == "suspend":
        return store.suspend(worker, departures)
    return store.close(worker, departures, worker)


def test_an_open_that_was_there_first_is_undone(store: BlockingStore) -> None:
    opened(store, opening())
    (session,) = store.close("w1", [GIVEN_UP], "w1")
    assert (session.state, session.end_code) == (CLOSING, 4009)
    store.confirm(["s1"])
    assert store.open(opening()) is None  # a copy of it
    assert store.stats().connected == 0


def test_who_opens_too_late_drives_nobody_out(store: BlockingStore) -> None:
    opened(store, opening("s0"))
    store.close("w1", [GIVEN_UP], "w1")
    assert store.open(opening(), cap=SessionLimit(1, evict_oldest=True)) is None
    assert beat(store).inbox == ()


def test_to_give_up_is_repeated_in_peace(store: BlockingStore) -> None:
    for _ in range(3):
        assert store.close("w1", [GIVEN_UP, GIVEN_UP], "w1") == ()
    assert store.open(opening()) is None


def test_other_connections_open_as_ever(store: BlockingStore) -> None:
    store.close("w1", [GIVEN_UP], "w1")
    assert store.open(opening("s2")) is not None


def test_whoever_comes_first_there_is_no_ghost(kind: StoreFixture) -> None:
    names = [f"s{number}" for number in range(8)]

    def come(id_: str) -> Any:
        return lambda store: store.open(opening(id_))

    def go(id_: str) -> Any:
        gone = forsaken(id_, connection=f"{id_}, first")
        return lambda store: store.close("w1", [gone], "w1")

    kind.at_once([call(id_) for id_ in names for call in (come, go)])
    assert kind.store.stats().connected == 0


# ---------------------------------------------------------------- resume


def test_a_late_resume_takes_nothing_over(kind: StoreFixture) -> None:
    before = opened(kind.store, opening())
    kind.store.suspend("w2", [AGAIN_GIVEN_UP])
    kind.turn(60)
    assert kind.store.resume(returning()) is None
    assert kind.store.get("s1") == before


def test_a_late_resume_leaves_a_suspended_session_to_its_client(kind: StoreFixture) -> None:
    before = suspended(kind.store)
    kind.store.suspend("w2", [AGAIN_GIVEN_UP])
    assert kind.store.resume(returning()) is None
    assert kind.store.get("s1") == before
    kind.turn(RESUME - 1)
    assert resumed(kind.store, returning(connection="third")).generation == 2


def test_a_resume_that_was_there_first_is_suspended(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, returning())
    assert ids(store.suspend("w2", [AGAIN_GIVEN_UP])) == ["s1"]
    assert store.resume(returning()) is None  # a copy of it
    assert state(store) is SUSPENDED
    assert resumed(store, returning(connection="third")).generation == 3


def test_who_gave_up_does_not_end_what_came_after(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, returning())
    now = resumed(store, returning(connection="third", worker="w3"))
    assert store.suspend("w2", [AGAIN_GIVEN_UP]) == ()
    assert store.suspend("w2", [departure(generation=2)]) == ()
    assert store.close("w2", [departure(generation=2, code=4505)], "w2") == ()
    assert store.get("s1") == now


def test_a_tombstone_is_not_for_ever(kind: StoreFixture) -> None:
    kind.store.suspend("w2", [AGAIN_GIVEN_UP])
    suspended(kind.store)
    kind.turn(LATE + 1)
    opened(kind.store, opening("s2", connection="s1, second"))


# ---------------------------------------------------------------- a worker that has left


def test_a_late_beat_after_leaving_renews_nothing(kind: StoreFixture) -> None:
    opened(kind.store, opening())
    beat(kind.store)
    kind.store.leave("w1")
    before = kind.store.get("s1")
    answer = kind.store.beat(report(pings=5), [pulse()])
    assert (answer.renewed, answer.workers, answer.online) == (False, 0, 0)
    assert (kind.store.stats().workers, kind.store.stats().pings) == (0, 0)
    assert kind.store.get("s1") == before
    kind.turn(LEASE + 1)
    assert kind.store.sweep("sweeper").workers_lost == 0


def test_a_late_beat_suspends_nobody(kind: StoreFixture) -> None:
    opened(kind.store, opening(worker="w2"))
    beat(kind.store, "w2")
    kind.store.leave("w1")
    kind.turn(LEASE + 1)
    assert beat(kind.store, "w1").suspended == ()


def test_a_late_open_and_resume_of_one_that_has_left(store: BlockingStore) -> None:
    before = suspended(store, "s2")
    store.leave("w3")
    assert store.open(opening(worker="w3")) is None
    assert store.resume(returning("s2", worker="w3")) is None
    assert (store.get("s1"), store.get("s2")) == (None, before)


def test_a_late_registration_of_one_that_has_left(kind: StoreFixture) -> None:
    session = opened(kind.store, opening())
    kind.empty()
    kind.store.leave("w1")
    assert kind.store.register("w1", [Registration(session, "token of s1", "s1, first")]) == ()
    assert kind.store.stats().connected == 0


def test_a_lost_worker_comes_again(kind: StoreFixture) -> None:
    """It was frozen, and has not left."""
    beat(kind.store)
    kind.turn(LEASE + 1)
    beat(kind.store, "w2")
    assert kind.store.open(opening()) is not None
    assert beat(kind.store).workers == 2


# ---------------------------------------------------------------- sessions that were closed


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("code", [1000, 4009, 4505])
def test_what_was_closed_is_not_put_back(kind: StoreFixture, code: int, confirmed: bool) -> None:
    """By a registration that was sent before it ended, and comes after it."""
    session = opened(kind.store, opening())
    beat(kind.store)
    kind.store.close("w1", [departure(code=code)], "w1")
    if confirmed:
        kind.store.confirm(["s1"])
    kind.turn(60)
    assert kind.store.register("w1", [Registration(session, "token of s1", "s1, first")]) == ()
    assert kind.store.get("s1") is None
    assert kind.store.stats().connected == 0
    assert beat(kind.store, "w1", pulse()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)


@pytest.mark.parametrize("confirmed", [False, True])
def test_what_was_closed_is_not_opened_again(store: BlockingStore, confirmed: bool) -> None:
    """By a call that was repeated, and comes after its end."""
    store.open(opening())
    store.close("w1", [departure(code=1000)], "w1")
    if confirmed:
        store.confirm(["s1"])
    assert store.open(opening()) is None
    assert store.stats().connected == 0


def test_the_others_are_put_back(kind: StoreFixture) -> None:
    sessions = [opened(kind.store, opening(id_)) for id_ in ("s1", "s2", "s3")]
    kind.empty()
    opened(kind.store, opening("s2"))
    kind.store.close("w1", [departure("s2", code=1000)], "w1")
    kind.store.confirm(["s2"])
    given = [Registration(s, f"token of {s.id}", f"{s.id}, first") for s in sessions]
    assert kind.store.register("w1", given) == ()
    assert [state(kind.store, id_) for id_ in ("s1", "s2", "s3")] == [CONNECTED, None, CONNECTED]


def test_an_expired_session_leaves_no_tombstone(kind: StoreFixture) -> None:
    """There may be many, and no one can still speak of them."""
    suspended(kind.store)
    kind.turn(RESUME + 1)
    kind.store.sweep("sweeper")
    kind.store.confirm(["s1"])
    assert tombs(kind) == 0


def tombs(kind: StoreFixture) -> int:
    """How many tombstones the store holds, and ends that were asked for."""
    if hasattr(kind, "client"):
        return len(kind.client.keys("*:tomb:*")) + len(kind.client.keys("*:ended:*"))
    return Tombstone.objects.using(kind.database.alias).count()  # type: ignore[attr-defined]


def test_tombstones_are_forgotten(kind: StoreFixture) -> None:
    opened(kind.store, opening())
    kind.store.request_close(session="s1", code=4500, reason="")
    kind.store.close("w1", [departure(code=4500), forsaken("s2", connection="s2, first")], "w1")
    kind.store.confirm(["s1"])
    kind.store.leave("w1")
    assert tombs(kind) == 4
    kind.turn(LATE - 1)
    kind.store.sweep("sweeper")
    assert tombs(kind) == 3
    kind.turn(2)
    kind.store.sweep("sweeper")
    assert tombs(kind) == 0


def test_nothing_counts_tombstones(kind: StoreFixture) -> None:
    opened(kind.store, opening())
    kind.store.close("w1", [departure(code=4500)], "w1")
    kind.store.confirm(["s1"])
    stats, overdue = kind.store.stats(), kind.store.overdue()
    assert (stats.connected, stats.suspended, stats.users) == (0, 0, 0)
    assert (overdue.suspend, overdue.close) == (0, 0)
    assert kind.store.open(opening("s2"), cap=SessionLimit(1, evict_oldest=False)) is not None


def test_a_session_without_a_tombstone_ends_as_ever(kind: StoreFixture) -> None:
    opened(kind.store, opening())
    kind.turn(SILENCE + 1)
    assert ids(kind.store.sweep("sweeper").suspended) == ["s1"]
