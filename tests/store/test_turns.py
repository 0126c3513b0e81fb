"""The turns of attempts to resume: an older attempt takes nothing from a later one."""

import pytest
from msgspec.structs import replace

from realtime.protocol.json_limits import MAX_INTEGER
from realtime.store.contract import BlockingStore
from realtime.store.records import Opening, Registration, Verdict

from .builders import (
    CONNECTED,
    abandoned,
    beat,
    departure,
    found,
    opened,
    opening,
    resumed,
    returning,
    state,
    suspended,
    update,
)
from .store_fixtures import RESUME, StoreFixture

OUTDATED = Verdict(4506, "session continued elsewhere")


def attempt(turn: int | None, **given: str) -> Opening:
    """The client's attempt with this turn, on a connection of its own."""
    return returning(connection=given.pop("connection", f"attempt {turn}"), turn=turn, **given)


def test_a_session_opens_with_turn_0(store: BlockingStore) -> None:
    assert opened(store, opening()).turn == 0


def test_a_higher_turn_resumes_and_is_remembered(store: BlockingStore) -> None:
    suspended(store)
    for turn in (1, 2, 9, MAX_INTEGER):
        session = resumed(store, attempt(turn))
        assert session.turn == turn
        assert store.get("s1") == session


@pytest.mark.parametrize("late", [0, 3, 4])
def test_a_late_attempt_changes_nothing(store: BlockingStore, late: int) -> None:
    opened(store, opening())
    before = resumed(store, attempt(4))
    assert store.resume(attempt(late, connection="woken", worker="w3")) == OUTDATED
    assert store.get("s1") == before
    assert beat(store, "w2", update(generation=2)).lost == ()
    assert store.stats().connected == 1


def test_the_first_attempt_is_above_the_opening(store: BlockingStore) -> None:
    suspended(store)
    before = store.get("s1")
    assert store.resume(attempt(0)) == OUTDATED
    assert store.get("s1") == before
    assert resumed(store, attempt(1)).turn == 1


def test_a_suspended_session_refuses_older_attempts_too(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, attempt(4))
    store.suspend("w2", [departure(generation=2)])
    assert store.resume(attempt(4, connection="woken")) == OUTDATED
    assert resumed(store, attempt(5)).generation == 3


def test_a_resume_without_a_turn_gets_the_last_one_plus_one(store: BlockingStore) -> None:
    suspended(store)
    assert resumed(store, attempt(None, connection="a")).turn == 1
    assert resumed(store, attempt(7)).turn == 7
    assert resumed(store, attempt(None, connection="b")).turn == 8
    assert store.resume(attempt(8)) == OUTDATED


def test_resumes_without_a_turn_still_work_at_the_highest_turn(store: BlockingStore) -> None:
    suspended(store)
    resumed(store, attempt(MAX_INTEGER))
    assert resumed(store, attempt(None)).turn == MAX_INTEGER
    assert store.resume(attempt(MAX_INTEGER, connection="again")) == OUTDATED


def test_a_repeat_of_the_same_attempt_gives_the_same_answer(store: BlockingStore) -> None:
    suspended(store)
    first = resumed(store, attempt(1))
    assert store.resume(attempt(1)) == first
    resumed(store, attempt(2))
    assert store.resume(attempt(1)) == OUTDATED
    assert store.resume(attempt(1)) == OUTDATED
    assert state(store) is CONNECTED


def test_an_abandoned_attempt_keeps_its_turn(store: BlockingStore) -> None:
    """Its worker abandoned it after the store had accepted it."""
    suspended(store)
    resumed(store, attempt(3))
    store.suspend("w2", [abandoned(connection="attempt 3")])
    assert store.resume(attempt(2)) == OUTDATED
    assert resumed(store, attempt(4)).turn == 4


@pytest.mark.parametrize("stranger", [{"token": "another"}, {"user": "8"}], ids=["token", "user"])
def test_other_users_get_no_verdict_about_the_turn(
    store: BlockingStore, stranger: dict[str, str]
) -> None:
    suspended(store)
    resumed(store, attempt(3))
    assert store.resume(attempt(1, **stranger)) is None


def test_after_the_window_nothing_is_outdated(backend: StoreFixture) -> None:
    suspended(backend.store)
    resumed(backend.store, attempt(3))
    backend.store.suspend("w2", [departure(generation=2)])
    backend.advance(RESUME + 1)
    assert backend.store.resume(attempt(3, connection="woken")) is None


# ---------------------------------------------------------------- a store that lost its content


def test_an_emptied_store_learns_the_turn_again(backend: StoreFixture) -> None:
    suspended(backend.store)
    session = resumed(backend.store, attempt(5))
    backend.empty()
    backend.store.register("w2", [Registration(session, "token of s1", "attempt 5")])
    assert backend.store.get("s1") == replace(session, last_beat=backend.store.get("s1").last_beat)  # type: ignore[union-attr]
    assert backend.store.resume(attempt(4)) == OUTDATED
    assert resumed(backend.store, attempt(6)).turn == 6


def test_a_store_with_an_old_copy_learns_the_turn_again(store: BlockingStore) -> None:
    session = opened(store, opening())
    known = replace(session, worker="w2", generation=3, turn=5)
    store.register("w2", [Registration(known, "token of s1", "attempt 5")])
    assert store.resume(attempt(5, connection="woken")) == OUTDATED


def test_a_registration_of_the_same_generation_keeps_the_higher_turn(store: BlockingStore) -> None:
    suspended(store)
    session = resumed(store, attempt(5))
    for turn in (4, 6):
        known = replace(session, turn=turn)
        store.register("w2", [Registration(known, "token of s1", "attempt 5")])
        assert store.resume(attempt(max(turn, 5), connection="woken")) == OUTDATED
    assert resumed(store, attempt(7)).turn == 7


def test_of_concurrent_attempts_the_newest_has_the_session(backend: StoreFixture) -> None:
    suspended(backend.store)
    attempts = [attempt(turn, worker=f"w{turn}") for turn in range(1, 7)]
    backend.at_once([lambda store, each=each: store.resume(each) for each in attempts])  # type: ignore[misc]
    session = found(backend.store)
    assert (session.turn, session.worker) == (6, "w6")
