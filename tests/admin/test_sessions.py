"""The admin's live sessions: permissions, disconnecting, log entries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from realtime import composition
from realtime.models import LiveSession
from realtime.store.contract import StoreUnavailable
from realtime.store.database.blocking import BlockingDatabaseStore
from realtime.store.records import Opening, Peer

pytestmark = pytest.mark.django_db

LIST = "/admin/realtime/livesession/"
SEE, END = "view_livesession", "disconnect_livesession"


def disconnect_url() -> str:
    return reverse("admin:realtime_livesession_disconnect")


@pytest.fixture
def log_in() -> Callable[..., Client]:
    """Log in a staff user with these permissions."""

    def client(*permissions: str, is_staff: bool = True) -> Client:
        user = User.objects.create_user("grace", is_staff=is_staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        browser = Client()
        browser.force_login(user)
        return browser

    return client


@pytest.fixture
def session() -> str:
    """The id of a session of ada's, from 192.0.2.1."""
    peer = Peer(user="1", username="ada", address="192.0.2.1", login="digest")
    opening = Opening("session-of-ada-0123456789", "token-hash", "c1", "w1", peer)
    composition.blocking_store().open(opening)
    return opening.session


def asked() -> dict[str, tuple[int, str]]:
    rows = LiveSession.objects.exclude(close_code=0)
    return {row.id: (row.close_code, row.close_reason) for row in rows}


def page(response: Any) -> str:
    return str(response.content.decode())


def test_the_list_shows_sessions(log_in: Callable[..., Client], session: str) -> None:
    response = log_in(SEE).get(LIST)
    assert response.status_code == 200
    assert "ada" in page(response)
    assert "192.0.2.1" in page(response)


def test_the_list_shows_no_secret(log_in: Callable[..., Client], session: str) -> None:
    text = page(log_in(SEE).get(LIST))
    assert "token-hash" not in text
    assert "digest" not in text


def test_an_empty_list_has_a_text(log_in: Callable[..., Client]) -> None:
    response = log_in(SEE).get(LIST)
    assert response.status_code == 200
    assert "ada" not in page(response)


def test_the_list_requires_the_permission(log_in: Callable[..., Client]) -> None:
    assert log_in("view_user").get(LIST).status_code == 403


def test_users_who_are_not_staff_are_redirected_to_the_login(log_in: Callable[..., Client]) -> None:
    assert log_in(SEE, END, is_staff=False).get(LIST).status_code == 302
    assert Client().get(LIST).status_code == 302


def test_an_unknown_cursor_shows_the_first_page(
    log_in: Callable[..., Client], session: str
) -> None:
    assert "ada" in page(log_in(SEE).get(f"{LIST}?cursor=nonsense"))


def test_disconnecting_requires_its_own_permission(
    log_in: Callable[..., Client], session: str
) -> None:
    response = log_in(SEE).post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


def test_disconnecting_requires_the_permission_to_view(
    log_in: Callable[..., Client], session: str
) -> None:
    response = log_in(END).post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


def test_a_disconnect_is_confirmed_first(log_in: Callable[..., Client], session: str) -> None:
    response = log_in(SEE, END).post(disconnect_url(), {"session": session})
    assert response.status_code == 200
    assert 'name="confirmed"' in page(response)
    assert f'value="{session}"' in page(response)
    assert (asked(), LogEntry.objects.count()) == ({}, 0)


def test_a_confirmed_disconnect_is_done_and_logged(
    log_in: Callable[..., Client], session: str
) -> None:
    data = {"session": session, "confirmed": "yes", "reason": " spam "}
    response = log_in(SEE, END).post(disconnect_url(), data, follow=True)
    assert asked() == {session: (4500, "spam")}
    assert "1 session will be disconnected" in page(response)
    entry = LogEntry.objects.get()
    assert entry.user.get_username() == "grace"
    assert entry.get_change_message() == "Disconnected ada, 192.0.2.1: spam"
    assert session not in f"{entry.object_id} {entry.object_repr}"


def test_a_session_that_has_ended_is_reported(log_in: Callable[..., Client]) -> None:
    data = {"session": "unknown", "confirmed": "yes"}
    response = log_in(SEE, END).post(disconnect_url(), data, follow=True)
    assert "None of the chosen sessions exists any more" in page(response)
    assert LogEntry.objects.count() == 0


def test_a_post_without_a_csrf_token_is_refused(session: str) -> None:
    User.objects.create_superuser("root", password="x")
    browser = Client(enforce_csrf_checks=True)
    browser.login(username="root", password="x")
    response = browser.post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails."""

    def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the database is locked")

    for method in ("page", "stats", "get"):
        monkeypatch.setattr(BlockingDatabaseStore, method, down)


@pytest.mark.usefixtures("unreachable")
def test_an_unreachable_store_is_shown(log_in: Callable[..., Client]) -> None:
    assert "The store is unreachable: the database is locked" in page(log_in(SEE).get(LIST))


@pytest.mark.usefixtures("unreachable")
def test_an_unreachable_store_disconnects_no_session(log_in: Callable[..., Client]) -> None:
    data = {"session": "any", "confirmed": "yes"}
    response = log_in(SEE, END).post(disconnect_url(), data, follow=True)
    assert "The store is unreachable" in page(response)


def test_nothing_can_be_added_changed_or_deleted(
    log_in: Callable[..., Client], session: str
) -> None:
    User.objects.create_superuser("root", password="x")
    browser = Client()
    browser.login(username="root", password="x")
    for path in ("add/", f"{session}/delete/", f"{session}/change/"):
        browser.post(f"{LIST}{path}", {"username": "eve", "post": "yes"})
    assert LiveSession.objects.get(id=session).username == "ada"
