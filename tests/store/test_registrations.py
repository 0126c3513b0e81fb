"""``register``: workers put back the sessions that a store has lost."""

from typing import Any

import pytest
from msgspec.structs import replace

from realtime.store.contract import BATCH, BlockingStore
from realtime.store.records import LossReason, LostSession, Session, Totals

from .builders import (
    CONNECTED,
    SUSPENDED,
    beat,
    departure,
    end_lease,
    found,
    ids,
    opened,
    opening,
    registration,
    report,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import LEASE, RESUME, SILENCE, StoreFixture

TOTALS = Totals(pings=5, pongs=4, invalid_pongs=3, misses=2, frames_in=7, frames_out=6)


def emptied(backend: StoreFixture, session: str = "s1", **given: Any) -> Session:
    """A session that the store has lost, but not its worker."""
    record = opened(backend.store, opening(session, **given))
    backend.empty()
    assert backend.store.get(session) is None
    return record


# ---------------------------------------------------------------- unknown


def test_an_unknown_session_comes_back_as_it_was(backend: StoreFixture) -> None:
    before = emptied(backend, login="digest", agent="Firefox", visibility="hidden")
    backend.advance(60)
    news: dict[str, Any] = {"generation": 3, "latency_ms": 12.5, "missed": 1, "totals": TOTALS}
    known = replace(before, **news)
    assert backend.store.register("w1", [registration(known)]) == ()
    after = found(backend.store)
    assert after.last_beat > before.last_beat
    assert after == replace(known, last_beat=after.last_beat)


def test_a_registered_session_is_updated_by_beats(backend: StoreFixture) -> None:
    session = emptied(backend)
    backend.store.register("w1", [registration(session)])
    answer = beat(backend.store, "w1", update(missed=2))
    assert (answer.lost, answer.inbox) == ((), ())
    after = found(backend.store)
    assert after.missed == 2


def test_a_registered_session_is_resumed_with_its_token(backend: StoreFixture) -> None:
    session = emptied(backend)
    backend.store.register("w1", [registration(session, generation=2, totals=TOTALS)])
    backend.store.suspend("w1", [departure(generation=2, totals=TOTALS)])
    assert backend.store.resume(returning(token="another")) is None
    after = backend.store.resume(returning())
    assert isinstance(after, Session)
    assert (after.generation, after.opened_at, after.totals) == (3, session.opened_at, TOTALS)


def test_a_registered_session_is_found_and_counted(backend: StoreFixture) -> None:
    session = emptied(backend, login="digest")
    backend.store.register("w1", [registration(session)])
    assert ids(backend.store.of_user("7")) == ["s1"]
    assert (backend.store.stats().connected, backend.store.stats().users) == (1, 1)
    assert backend.store.request_close(login="digest", code=4503, reason="") == ("s1",)
    assert [request.session for request in beat(backend.store).inbox] == ["s1"]


def test_a_registered_session_keeps_the_age_of_its_last_proof_of_life(
    backend: StoreFixture,
) -> None:
    session = emptied(backend)
    backend.advance(60)
    before = backend.now()
    backend.store.register("w1", [registration(session, idle_ms=20_000)])
    after = found(backend.store)
    assert before - 20_000 <= after.last_beat <= backend.now() - 20_000


def test_no_proof_of_life_is_older_than_the_connection(backend: StoreFixture) -> None:
    session = emptied(backend)
    backend.store.register("w1", [registration(session, idle_ms=20_000)])
    after = found(backend.store)
    assert after.last_beat == session.connected_at


def test_the_deadline_counts_from_the_last_proof_of_life(backend: StoreFixture) -> None:
    session = emptied(backend)
    backend.advance(60)
    backend.store.register("w1", [registration(session, idle_ms=50_000)])
    backend.advance(SILENCE - 51)
    beat(backend.store)
    assert backend.store.sweep("sweeper").suspended == ()
    backend.advance(2)
    beat(backend.store)
    assert ids(backend.store.sweep("sweeper").suspended) == ["s1"]


def test_a_repeat_changes_nothing(backend: StoreFixture) -> None:
    session = emptied(backend)
    mine = [registration(session, generation=2, totals=TOTALS)]
    assert backend.store.register("w1", mine) == backend.store.register("w1", mine) == ()
    after = backend.store.get("s1")
    assert after == replace(
        session, generation=2, totals=TOTALS, last_beat=after.last_beat if after else 0
    )
    assert backend.store.stats().connected == 1


def test_a_full_batch_is_registered(backend: StoreFixture) -> None:
    session = emptied(backend)
    many = [replace(session, id=f"s{number:04}") for number in range(BATCH)]
    assert backend.store.register("w1", [registration(each) for each in many]) == ()
    beat(backend.store)
    assert backend.store.stats().connected == BATCH
    backend.advance(LEASE + 1)
    assert len(beat(backend.store, "w2").suspended) == BATCH


def test_an_empty_registration(store: BlockingStore) -> None:
    assert store.register("w1", []) == ()


# ---------------------------------------------------------------- known


def test_a_session_taken_over_elsewhere_is_returned_and_left_alone(store: BlockingStore) -> None:
    older = opened(store, opening())
    newer = store.resume(returning())
    mine = [registration(older)]
    assert store.register("w1", mine) == store.register("w1", mine)
    assert store.register("w1", mine) == (LostSession("s1", 1, LossReason.TAKEN_OVER),)
    assert store.get("s1") == newer


def test_the_higher_generation_wins_in_either_order(backend: StoreFixture) -> None:
    older = opened(backend.store, opening())
    newer = backend.store.resume(returning())
    assert isinstance(newer, Session)
    backend.empty()
    assert backend.store.register("w1", [registration(older)]) == ()
    assert backend.store.register("w2", [registration(newer)]) == ()
    assert backend.store.register("w1", [registration(older)]) == (
        LostSession("s1", 1, LossReason.TAKEN_OVER),
    )
    after = found(backend.store)
    assert (after.generation, after.worker) == (2, "w2")
    assert beat(backend.store, "w1", update()).lost == (
        LostSession("s1", 1, LossReason.TAKEN_OVER),
    )
    assert beat(backend.store, "w2", update(generation=2)).lost == ()


@pytest.mark.parametrize("was", ["connected", "suspended", "lost", "closing"])
def test_sessions_of_an_old_snapshot_are_replaced(backend: StoreFixture, was: str) -> None:
    session = _as_in_a_snapshot(backend, was)
    mine = [registration(session, worker="w2", generation=2, missed=1, totals=TOTALS)]
    assert backend.store.register("w2", mine) == backend.store.register("w2", mine) == ()
    after = found(backend.store)
    assert (after.state, after.generation, after.worker) == (CONNECTED, 2, "w2")
    assert (after.missed, after.totals, after.end_code, after.end_reason) == (1, TOTALS, 0, "")
    assert beat(backend.store, "w2", update(generation=2)).lost == ()
    backend.advance(RESUME + 1)
    beat(backend.store, "w2", update(generation=2))
    swept = backend.store.sweep("sweeper")
    assert (swept.suspended, swept.claimed) == ((), ())


def _as_in_a_snapshot(backend: StoreFixture, was: str) -> Session:
    match was:
        case "suspended":
            return suspended(backend.store)
        case "closing":
            suspended(backend.store)
            backend.advance(RESUME + 1)
            (session,) = backend.store.sweep("sweeper").claimed
            return session
    session = opened(backend.store, opening())
    if was == "lost":
        end_lease(backend)
        beat(backend.store, "w2")
        assert state(backend.store) is SUSPENDED
    return session


def test_a_replaced_session_leaves_nothing_with_its_old_worker(backend: StoreFixture) -> None:
    session = opened(backend.store, opening())
    beat(backend.store, "w1")
    beat(backend.store, "w2")
    backend.store.register("w2", [registration(session, generation=2, worker="w2")])
    backend.advance(LEASE - 1)
    beat(backend.store, "w2")
    backend.advance(2)
    assert beat(backend.store, "w2").suspended == ()
    assert backend.store.leave("w1") == ()
    assert state(backend.store) is CONNECTED


def test_a_replaced_session_has_the_token_that_its_worker_knows(store: BlockingStore) -> None:
    session = opened(store, opening(token="an older one"))
    store.register("w1", [registration(session, generation=2)])
    assert store.resume(returning(token="an older one")) is None
    assert store.resume(returning()) is not None


def test_a_final_request_outlives_a_replacement(store: BlockingStore) -> None:
    session = opened(store, opening())
    store.request_close(session="s1", code=4500, reason="go")
    store.register("w2", [registration(session, generation=2)])
    (request,) = beat(store, "w2").inbox
    assert (request.generation, request.code, request.reason) == (2, 4500, "go")
    assert beat(store, "w1").inbox == ()


def test_another_request_does_not_outlive_a_replacement(store: BlockingStore) -> None:
    session = opened(store, opening())
    store.request_close(session="s1", code=4008, reason="")
    store.register("w2", [registration(session, generation=2)])
    assert beat(store, "w2").inbox == ()


# ---------------------------------------------------------------- the same


def test_the_same_generation_is_updated(backend: StoreFixture) -> None:
    session = opened(backend.store, opening())
    backend.advance(60)
    news: dict[str, Any] = {
        "missed": 1,
        "latency_ms": 12.5,
        "visibility": "hidden",
        "totals": TOTALS,
    }
    backend.store.register("w1", [registration(session, **news)])
    after = found(backend.store)
    assert after.last_beat > session.last_beat
    assert after == replace(session, **news, last_beat=after.last_beat)


def test_the_same_generations_proof_of_life_never_goes_back(store: BlockingStore) -> None:
    session = opened(store, opening())
    store.register("w1", [registration(session, idle_ms=5_000)])
    after = found(store)
    assert after.last_beat == session.last_beat


def test_the_same_generation_keeps_its_request(store: BlockingStore) -> None:
    session = opened(store, opening())
    store.request_close(session="s1", code=4008, reason="")
    store.register("w1", [registration(session)])
    assert [request.code for request in beat(store).inbox] == [4008]


def test_the_same_generation_is_reattached(backend: StoreFixture) -> None:
    session = opened(backend.store, opening())
    end_lease(backend)
    beat(backend.store, "w2")
    assert state(backend.store) is SUSPENDED
    assert backend.store.register("w1", [registration(session)]) == ()
    assert state(backend.store) is CONNECTED
    after = found(backend.store)
    assert (after.generation, after.worker, after.end_code) == (1, "w1", 0)


@pytest.mark.parametrize("end", ["departed", "left", "closing", "another's"])
def test_a_session_that_ended_or_moved_is_left_alone(store: BlockingStore, end: str) -> None:
    session = opened(store, opening(worker="w2" if end == "another's" else "w1"))
    match end:
        case "departed":
            store.suspend("w1", [departure()])
        case "left":
            beat(store, "w1")
            store.leave("w1")
        case "closing":
            store.close("w1", [departure(code=1000)], "w1")
    before = store.get("s1")
    assert store.register("w1", [registration(session)]) == ()
    assert store.get("s1") == before
    if end != "left":  # the others hear of it with the next beat
        assert beat(store, "w1", update()).lost == (LostSession("s1", 1, LossReason.UNKNOWN),)


def test_each_registration_is_handled_on_its_own(backend: StoreFixture) -> None:
    lost = emptied(backend, "lost")
    older = opened(backend.store, opening("older"))
    taken = opened(backend.store, opening("taken"))
    same = opened(backend.store, opening("same"))
    backend.store.resume(returning("taken"))
    given = [
        registration(taken),
        registration(lost),
        registration(same, missed=1),
        registration(older, generation=2),
    ]
    assert backend.store.register("w1", given) == (LostSession("taken", 1, LossReason.TAKEN_OVER),)
    found = {id_: backend.store.get(id_) for id_ in ("lost", "older", "taken", "same")}
    assert {id_: s and s.generation for id_, s in found.items()} == {
        "lost": 1,
        "older": 2,
        "taken": 2,
        "same": 1,
    }
    assert found["same"] is not None
    assert found["same"].missed == 1


def test_workers_that_register_the_same_at_once_agree(backend: StoreFixture) -> None:
    sessions = [emptied(backend, f"s{number}") for number in range(20)]

    def register(generation: int) -> Any:
        worker = f"w{generation}"
        mine = [registration(s, generation=generation, worker=worker) for s in sessions]
        return lambda store: store.register(worker, mine)

    backend.at_once([register(generation) for generation in (1, 2, 3, 4)])
    for session in sessions:
        after = found(backend.store, session.id)
        assert (after.generation, after.worker) == (4, "w4")


def test_the_leases_are_left_alone(backend: StoreFixture) -> None:
    session = emptied(backend)
    backend.store.register("w1", [registration(session)])
    assert backend.store.stats().workers == 0
    assert not backend.store.beat(report("w1"), ()).renewed
