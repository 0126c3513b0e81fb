"""Django's logins and logouts close sockets."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import auth
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.test import Client

from realtime import api, composition
from realtime.models import LiveSession
from realtime.protocol.codes import CloseCode
from realtime.security.authentication import digest_of
from realtime.store.contract import StoreUnavailable
from realtime.store.records import Opening, Peer
from realtime.worker import instances

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser() -> Client:
    """A browser that is logged in."""
    user = User.objects.create_user("ada", password="first")
    client = Client()
    client.force_login(user)
    return client


def key_of(browser: Client) -> str:
    return str(browser.cookies["sessionid"].value)


def socket_of(key: str, id_: str = "s1") -> None:
    """Open a session with this login."""
    peer = Peer(user="1", login=digest_of(key))
    composition.blocking_store().open(Opening(id_, "hash", f"c-{id_}", "w1", peer))


def asked() -> dict[str, int]:
    """The requested close codes by session id."""
    return dict(LiveSession.objects.exclude(close_code=0).values_list("id", "close_code"))


def test_a_logout_closes_the_sockets_of_that_login_only(browser: Client) -> None:
    socket_of(key_of(browser), "s1")
    socket_of(key_of(browser), "s2")
    socket_of("another", "s3")
    browser.post("/accounts/logout/")
    assert asked() == {"s1": CloseCode.LOGGED_OUT, "s2": CloseCode.LOGGED_OUT}


def test_an_anonymous_logout_closes_nothing(browser: Client) -> None:
    socket_of("another")
    Client().post("/accounts/logout/")
    assert asked() == {}


def test_a_login_that_keeps_its_key_closes_nothing(browser: Client) -> None:
    before = key_of(browser)
    socket_of(before)
    browser.post("/accounts/login/", {"username": "ada", "password": "first"})
    assert (key_of(browser), asked()) == (before, {})


def test_another_user_s_login_closes_the_sockets_of_the_old_key(browser: Client) -> None:
    socket_of(key_of(browser))
    User.objects.create_user("eve", password="second")
    browser.post("/accounts/login/", {"username": "eve", "password": "second"})
    assert asked() == {"s1": CloseCode.CREDENTIALS_CHANGED}


def test_a_login_closes_the_sockets_of_the_anonymous_session() -> None:
    User.objects.create_user("ada", password="first")
    browser = Client()
    session: Any = browser.session
    session["basket"] = 1
    session.save()
    socket_of(str(session.session_key))
    browser.post("/accounts/login/", {"username": "ada", "password": "first"})
    assert asked() == {"s1": CloseCode.CREDENTIALS_CHANGED}


def test_a_login_without_an_earlier_session_closes_nothing() -> None:
    User.objects.create_user("ada", password="first")
    socket_of("another")
    Client().post("/accounts/login/", {"username": "ada", "password": "first"})
    assert asked() == {}


def request_of(browser: Client) -> HttpRequest:
    request = HttpRequest()
    request.session = browser.session
    request.user = User.objects.get(username="ada")
    return request


def test_sockets_are_closed_when_the_transaction_commits(browser: Client) -> None:
    socket_of(key_of(browser))
    with transaction.atomic():
        auth.logout(request_of(browser))
        assert asked() == {}
    assert asked() == {"s1": CloseCode.LOGGED_OUT}


def test_a_logout_that_is_rolled_back_closes_nothing(browser: Client) -> None:
    socket_of(key_of(browser))
    with transaction.atomic():
        auth.logout(request_of(browser))
        transaction.set_rollback(True)
    assert asked() == {}


def test_a_logout_in_a_manual_transaction_is_left_to_revalidation(browser: Client) -> None:
    """It may still be rolled back; the logout itself succeeds."""
    socket_of(key_of(browser))
    transaction.set_autocommit(False)
    try:
        auth.logout(request_of(browser))
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert asked() == {}


def test_without_a_request_there_is_nothing_to_close(browser: Client) -> None:
    socket_of(key_of(browser))
    user = User.objects.get(username="ada")
    auth.user_logged_out.send(sender=User, request=None, user=user)
    auth.user_logged_in.send(sender=User, request=None, user=user)
    assert asked() == {}


def test_a_logout_succeeds_during_an_outage(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def down(**_: Any) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(api, "_close", down)
    assert browser.post("/accounts/logout/").status_code == 302
    assert "sessionid" not in browser.cookies or not key_of(browser)
    assert [line for line in caplog.records if line.levelno >= logging.WARNING] == []


def test_the_worker_flushes_soon(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    worker = SimpleNamespace(flush_and_sweep_soon=lambda: calls.append("soon"))
    monkeypatch.setattr(instances, "running", lambda: [worker])
    browser.post("/accounts/logout/")
    assert calls == ["soon"]
