"""A session's new login: its digest, by which its end can be requested."""

import pytest

from realtime.protocol.codes import CloseCode
from realtime.store.records import Session, Verdict

from .builders import beat, depart, departure, opened, opening, registration, resumed, returning
from .store_fixtures import StoreFixture

OUT = Verdict(4503, "logged out")


def end(backend: StoreFixture, login: str) -> tuple[str, ...]:
    return backend.store.request_close(login=login, code=OUT.code, reason=OUT.reason)


@pytest.mark.parametrize(("before", "after"), [("l1", "l2"), ("", "l2"), ("l1", ""), ("l1", "l1")])
def test_its_end_can_be_requested_by_the_new_login(
    backend: StoreFixture, before: str, after: str
) -> None:
    opened(backend.store, opening(login=before))
    changed = backend.store.change_login("s1", "s1, first", after)
    assert isinstance(changed, Session)
    assert changed.peer.login == after
    assert backend.store.get("s1") == changed
    if before and before != after:
        assert end(backend, before) == ()
    if after:
        assert end(backend, after) == ("s1",)


def test_a_suspended_session_changes_its_login_as_well(backend: StoreFixture) -> None:
    opened(backend.store, opening(login="l1"))
    depart(backend.store, "suspend", "w1", departure())
    assert isinstance(backend.store.change_login("s1", "s1, first", "l2"), Session)
    assert end(backend, "l2") == ("s1",)


def test_another_connection_changes_nothing(backend: StoreFixture) -> None:
    first = opened(backend.store, opening(login="l1"))
    assert backend.store.change_login("s1", "s1, second", "l2") is None
    assert backend.store.get("s1") == first
    resumed(backend.store, returning(login="l3"))
    assert backend.store.change_login("s1", "s1, first", "l2") is None


def test_an_unknown_or_closing_session_changes_nothing(backend: StoreFixture) -> None:
    assert backend.store.change_login("s1", "s1, first", "l2") is None
    opened(backend.store, opening(login="l1"))
    depart(backend.store, "close", "w1", departure(code=CloseCode.NORMAL.value))
    assert backend.store.change_login("s1", "s1, first", "l2") is None


def test_a_login_whose_end_was_requested_is_a_verdict(backend: StoreFixture) -> None:
    before = opened(backend.store, opening(login="l1"))
    end(backend, "l2")
    assert backend.store.change_login("s1", "s1, first", "l2") == OUT
    assert backend.store.get("s1") == before


def test_a_request_through_the_former_login_stays(backend: StoreFixture) -> None:
    opened(backend.store, opening(login="l1"))
    end(backend, "l1")
    assert isinstance(backend.store.change_login("s1", "s1, first", "l2"), Session)
    (request,) = beat(backend.store).inbox
    assert (request.session, request.code) == ("s1", 4503)


def test_a_registration_of_the_same_generation_brings_the_login(backend: StoreFixture) -> None:
    """An older copy of the store came back, without the change."""
    session = opened(backend.store, opening(login="l1"))
    changed = backend.store.change_login("s1", "s1, first", "l2")
    assert isinstance(changed, Session)
    backend.store.change_login("s1", "s1, first", "l1")
    assert session.peer.login == "l1"
    assert backend.store.register("w1", [registration(changed)]) == ()
    known = backend.store.get("s1")
    assert known is not None
    assert known.peer.login == "l2"
    assert end(backend, "l1") == ()
    assert end(backend, "l2") == ("s1",)
