"""Verdicts: for a resume window, a session's own client gets the reason of its end."""

from collections.abc import Callable

import pytest

from realtime.store.contract import BlockingStore
from realtime.store.records import SessionLimit, Verdict

from .builders import beat, departure, end_lease, opened, opening, resumed, returning, suspended
from .store_fixtures import CLAIM, LEASE, RESUME, StoreFixture

GO = Verdict(4500, "go")


def asked_while_suspended(store: BlockingStore) -> None:
    suspended(store)
    store.request_close(session="s1", code=4500, reason="go")


def swept(store: BlockingStore) -> None:
    asked_while_suspended(store)
    store.sweep("sweeper")


def swept_and_forgotten(store: BlockingStore) -> None:
    swept(store)
    store.confirm(["s1"])


def asked_while_connected(store: BlockingStore) -> None:
    opened(store, opening())
    store.request_close(session="s1", code=4500, reason="go")


def closed_by_its_worker(store: BlockingStore) -> None:
    """Its goodbye may have been lost."""
    asked_while_connected(store)
    store.close("w1", [departure(code=4500, reason="go")], "w1")


def closed_and_forgotten(store: BlockingStore) -> None:
    closed_by_its_worker(store)
    store.confirm(["s1"])


def asked_and_lost(store: BlockingStore) -> None:
    asked_while_connected(store)
    store.suspend("w1", [departure()])


def asked_and_left(store: BlockingStore) -> None:
    asked_while_connected(store)
    beat(store)
    store.leave("w1")


ENDS = [
    asked_while_suspended, swept, swept_and_forgotten, asked_while_connected,
    closed_by_its_worker, closed_and_forgotten, asked_and_lost, asked_and_left,
]  # fmt: skip
ended = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
End = Callable[[BlockingStore], None]


@ended
def test_a_client_gets_the_verdict_on_its_ended_session(store: BlockingStore, end: End) -> None:
    end(store)
    before = store.stats()
    assert store.resume(returning()) == GO
    assert store.resume(returning(turn=0)) == GO
    assert store.stats() == before


@ended
def test_other_users_get_no_verdict(store: BlockingStore, end: End) -> None:
    end(store)
    for stranger in (returning(token="another"), returning(user="8"), returning(user="")):
        assert store.resume(stranger) is None


@pytest.mark.parametrize("end", [swept_and_forgotten, closed_and_forgotten, closed_by_its_worker])
def test_a_verdict_is_kept_for_a_resume_window(backend: StoreFixture, end: End) -> None:
    end(backend.store)
    backend.advance(RESUME - 1)
    assert backend.store.resume(returning()) == GO
    backend.advance(2)
    assert backend.store.resume(returning()) is None


def test_a_verdict_from_the_future_has_expired(backend: StoreFixture) -> None:
    closed_and_forgotten(backend.store)
    backend.advance(-LEASE / 2)
    assert backend.store.resume(returning()) == GO
    backend.advance(-3600)
    assert backend.store.resume(returning()) is None


def test_a_verdict_after_the_worker_died_with_the_request(backend: StoreFixture) -> None:
    asked_while_connected(backend.store)
    end_lease(backend)
    assert backend.store.resume(returning()) == GO
    assert [s.end_code for s in backend.store.sweep("sweeper").claimed] == [4500]
    backend.store.confirm(["s1"])
    assert backend.store.resume(returning()) == GO


@pytest.mark.parametrize("code", [4500, 4504, 4505, 4700, 4999])
def test_every_final_code_is_a_verdict(store: BlockingStore, code: int) -> None:
    opened(store, opening())
    store.close("w1", [departure(code=code, reason="so")], "w1")
    store.confirm(["s1"])
    assert store.resume(returning()) == Verdict(code, "so")


@pytest.mark.parametrize("code", [1000, 1001, 4002, 4009])
def test_other_codes_are_no_verdict(store: BlockingStore, code: int) -> None:
    """The client itself sends ``bye``."""
    opened(store, opening())
    store.close("w1", [departure(code=code, reason="bye")], "w1")
    assert store.resume(returning()) is None
    store.confirm(["s1"])
    assert store.resume(returning()) is None


def test_bye_wins_over_a_later_request(store: BlockingStore) -> None:
    asked_while_connected(store)
    store.close("w1", [departure(code=1000, reason="bye")], "w1")
    store.confirm(["s1"])
    assert store.resume(returning()) is None


def test_a_code_sent_by_the_client_is_no_verdict(backend: StoreFixture) -> None:
    """The client closed with 4700, and did not return in time."""
    opened(backend.store, opening())
    backend.store.suspend("w1", [departure(code=4700, reason="code 4700")])
    backend.advance(RESUME + 1)
    assert [s.end_code for s in backend.store.sweep("sweeper").claimed] == [4700]
    assert backend.store.resume(returning()) is None
    backend.store.confirm(["s1"])
    assert backend.store.resume(returning()) is None


def test_a_request_that_is_not_final_is_no_verdict(store: BlockingStore) -> None:
    suspended(store)
    assert store.request_close(session="s1", code=4008, reason="") == ()
    assert store.request_close(user="7", code=4008, reason="") == ()
    assert resumed(store, returning()).generation == 2


def test_without_a_reason_it_is_the_codes_own(store: BlockingStore) -> None:
    suspended(store)
    store.request_close(user="7", code=4500, reason="")
    expected = Verdict(4500, "disconnected by an administrator")
    assert store.resume(returning()) == expected
    store.sweep("sweeper")
    assert store.resume(returning()) == expected


def test_all_clients_of_a_user_get_the_verdict(store: BlockingStore) -> None:
    for id_ in ("s1", "s2"):
        suspended(store, id_)
    store.request_close(user="7", code=4500, reason="go")
    store.confirm([s.id for s in store.sweep("sweeper").claimed])
    assert [store.resume(returning(id_)) for id_ in ("s1", "s2")] == [GO, GO]


def test_two_clients_of_one_session_each_do_not_evict_each_other_for_ever(
    store: BlockingStore,
) -> None:
    oldest = SessionLimit(1, evict_oldest=True)
    suspended(store, "s1")
    opened(store, opening("s2"), limit=oldest)
    assert store.resume(returning("s1")) == Verdict(4504, "too many sessions")
    assert beat(store).inbox == ()  # so the other one stays


@pytest.mark.parametrize("code", [4501, 4503])
def test_the_end_of_a_login_is_a_verdict_for_that_login_only(
    store: BlockingStore, code: int
) -> None:
    """After a new login the client starts a new session."""
    suspended(store, login="old")
    store.request_close(login="old", code=code, reason="over")
    for _ in range(2):
        assert store.resume(returning(login="old")) == Verdict(code, "over")
        assert store.resume(returning(login="new")) is None
        store.confirm([s.id for s in store.sweep("sweeper").claimed])


def test_any_other_end_is_a_verdict_for_a_new_login_too(store: BlockingStore) -> None:
    suspended(store, login="old")
    store.request_close(user="7", code=4500, reason="go")
    assert store.resume(returning(login="new")) == GO


def test_a_claim_that_goes_to_another_sweep_begins_no_window(backend: StoreFixture) -> None:
    swept(backend.store)
    backend.advance(RESUME - 1)
    assert RESUME > CLAIM
    backend.store.sweep("another")
    backend.advance(2)
    assert backend.store.resume(returning()) is None


def test_an_anonymous_client_gets_a_verdict(store: BlockingStore) -> None:
    suspended(store, user="", username="")
    store.request_close(session="s1", code=4500, reason="go")
    store.confirm([s.id for s in store.sweep("sweeper").claimed])
    assert store.resume(returning(user="")) == GO
    assert store.resume(returning(user="7")) is None


def test_an_emptied_store_has_no_verdict(backend: StoreFixture) -> None:
    swept_and_forgotten(backend.store)
    backend.empty()
    assert backend.store.resume(returning()) is None
