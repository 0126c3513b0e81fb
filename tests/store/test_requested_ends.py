"""A requested end also refuses connections that are being admitted."""

import pytest

from realtime.store.contract import REQUESTED_END_MS, BlockingStore
from realtime.store.records import Opening, Session, Verdict

from .builders import opened, opening, resumed, returning, suspended
from .store_fixtures import StoreFixture

ENDED = REQUESTED_END_MS // 1000
OUT, MOVED = Verdict(4503, "logged out"), Verdict(4008, "moved")


def on_the_way(session: str = "s1", *, age: float = 5.0, **given: str) -> Opening:
    """A connection that came so many seconds ago and opens a session now."""
    return opening(session, age_ms=round(age * 1000), **{"login": "l1", **given})


def ask(store: BlockingStore, verdict: Verdict, **who: str) -> None:
    store.request_close(**who, code=verdict.code, reason=verdict.reason)


@pytest.mark.parametrize("verdict", [OUT, MOVED])
def test_a_login_that_has_ended_opens_nothing(backend: StoreFixture, verdict: Verdict) -> None:
    ask(backend.store, verdict, login="l1")
    before = backend.store.stats()
    for age in (0.0, 5.0):  # found out before or afterwards: its key is worth nothing
        assert backend.store.open(on_the_way(age=age)) == verdict
    assert backend.store.stats() == before
    assert isinstance(backend.store.open(on_the_way("s2", login="l2")), Session)
    assert isinstance(backend.store.open(on_the_way("s3", login="")), Session)


def test_an_end_is_remembered_for_a_minute(backend: StoreFixture) -> None:
    ask(backend.store, OUT, login="l1")
    backend.advance(ENDED - 1)
    assert backend.store.open(on_the_way()) == OUT
    backend.advance(2)
    assert isinstance(backend.store.open(on_the_way()), Session)


@pytest.mark.parametrize("verdict", [OUT, MOVED])
def test_an_end_of_a_user_applies_during_admission_only(
    backend: StoreFixture, verdict: Verdict
) -> None:
    ask(backend.store, verdict, user="7")
    backend.advance(4)
    assert backend.store.open(on_the_way(age=5)) == verdict
    assert isinstance(backend.store.open(on_the_way("s2", age=5, user="8")), Session)
    assert isinstance(backend.store.open(on_the_way("s3", age=3)), Session)


def test_an_end_does_not_apply_after_the_longest_admission(backend: StoreFixture) -> None:
    ask(backend.store, OUT, user="7")
    backend.advance(ENDED + 1)
    assert isinstance(backend.store.open(on_the_way(age=ENDED + 10)), Session)


@pytest.mark.parametrize("who", [{"login": "l1"}, {"user": "7"}, {"session": "s1"}])
def test_an_end_refuses_a_resume(backend: StoreFixture, who: dict[str, str]) -> None:
    suspended(backend.store)
    ask(backend.store, MOVED, **who)
    backend.advance(1)
    back = returning(login="l1", age_ms=5_000)
    assert backend.store.resume(back) == MOVED
    assert backend.store.stats().suspended == 1
    backend.advance(ENDED)
    assert resumed(backend.store, back).generation == 2


def test_another_users_resume_gets_no_verdict(store: BlockingStore) -> None:
    suspended(store)
    ask(store, OUT, login="l1")
    assert store.resume(returning(token="another", login="l1")) is None


def test_a_repeated_call_gets_the_same_answer(store: BlockingStore) -> None:
    came = opening("s1", login="l1", age_ms=5_000)
    opened(store, came)
    ask(store, MOVED, login="l1")
    assert isinstance(store.open(came), Session)
    returned = returning("s2", login="l2", age_ms=5_000)
    opened(store, opening("s2"))
    resumed(store, returned)
    ask(store, MOVED, login="l2")
    assert resumed(store, returned).generation == 2


def test_a_final_end_is_not_softened(backend: StoreFixture) -> None:
    ask(backend.store, OUT, login="l1")
    ask(backend.store, MOVED, login="l1")
    assert backend.store.open(on_the_way()) == OUT
    backend.advance(ENDED + 1)
    ask(backend.store, MOVED, login="l1")
    assert backend.store.open(on_the_way()) == MOVED
    ask(backend.store, OUT, login="l1")
    assert backend.store.open(on_the_way()) == OUT


def test_an_end_from_the_future_refuses_no_connection(backend: StoreFixture) -> None:
    ask(backend.store, OUT, user="7")
    ask(backend.store, OUT, login="l1")
    backend.advance(-2 * ENDED)
    assert isinstance(backend.store.open(on_the_way(age=5)), Session)


def test_an_end_without_a_reason_has_the_codes_own(store: BlockingStore) -> None:
    store.request_close(login="l1", code=4008, reason="")
    assert store.open(on_the_way()) == Verdict(4008, "credentials changed")
