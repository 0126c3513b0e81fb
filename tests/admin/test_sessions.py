"""The admin's live sessions: who may see them, who may end them, what is written down."""

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
    """A browser of somebody with these permissions."""

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


def test_the_list_shows_who_is_there(log_in: Callable[..., Client], session: str) -> None:
    response = log_in(SEE).get(LIST)
    assert response.status_code == 200
    assert "ada" in page(response)
    assert "192.0.2.1" in page(response)


def test_the_list_shows_no_secret(log_in: Callable[..., Client], session: str) -> None:
    text = page(log_in(SEE).get(LIST))
    assert "token-hash" not in text
    assert "digest" not in text


def test_an_empty_list_says_so(log_in: Callable[..., Client]) -> None:
    response = log_in(SEE).get(LIST)
    assert response.status_code == 200
    assert "ada" not in page(response)


def test_who_may_not_see_is_refused(log_in: Callable[..., Client]) -> None:
    assert log_in("view_user").get(LIST).status_code == 403


def test_who_is_not_staff_is_sent_to_the_login(log_in: Callable[..., Client]) -> None:
    assert log_in(SEE, END, is_staff=False).get(LIST).status_code == 302
    assert Client().get(LIST).status_code == 302


def test_a_cursor_made_by_hand_begins_anew(log_in: Callable[..., Client], session: str) -> None:
    assert "ada" in page(log_in(SEE).get(f"{LIST}?cursor=nonsense"))


def test_to_end_sessions_takes_its_own_permission(
    log_in: Callable[..., Client], session: str
) -> None:
    response = log_in(SEE).post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


def test_it_does_not_go_without_seeing_them(log_in: Callable[..., Client], session: str) -> None:
    response = log_in(END).post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


def test_first_it_asks(log_in: Callable[..., Client], session: str) -> None:
    response = log_in(SEE, END).post(disconnect_url(), {"session": session})
    assert response.status_code == 200
    assert 'name="confirmed"' in page(response)
    assert f'value="{session}"' in page(response)
    assert (asked(), LogEntry.objects.count()) == ({}, 0)


def test_then_it_does_and_writes_it_down(log_in: Callable[..., Client], session: str) -> None:
    data = {"session": session, "confirmed": "yes", "reason": " spam "}
    response = log_in(SEE, END).post(disconnect_url(), data, follow=True)
    assert asked() == {session: (4500, "spam")}
    assert "1 session will be disconnected" in page(response)
    entry = LogEntry.objects.get()
    assert entry.user.get_username() == "grace"
    assert entry.get_change_message() == "Disconnected ada, 192.0.2.1: spam"
    assert session not in f"{entry.object_id} {entry.object_repr}"


def test_a_session_that_is_gone_is_said_to_be(log_in: Callable[..., Client]) -> None:
    data = {"session": "unknown", "confirmed": "yes"}
    response = log_in(SEE, END).post(disconnect_url(), data, follow=True)
    assert "None of the chosen sessions exists any more" in page(response)
    assert LogEntry.objects.count() == 0


def test_a_post_from_another_site_is_refused(session: str) -> None:
    User.objects.create_superuser("root", password="x")
    browser = Client(enforce_csrf_checks=True)
    browser.login(username="root", password="x")
    response = browser.post(disconnect_url(), {"session": session, "confirmed": "yes"})
    assert response.status_code == 403
    assert asked() == {}


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that answers nobody."""

    def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the database is locked")

    for method in ("page", "stats", "get"):
        monkeypatch.setattr(BlockingDatabaseStore, method, down)


@pytest.mark.usefixtures("unreachable")
def test_a_store_out_of_reach_is_shown(log_in: Callable[..., Client]) -> None:
    assert "The store is unreachable: the database is locked" in page(log_in(SEE).get(LIST))


@pytest.mark.usefixtures("unreachable")
def test_nobody_is_ended_with_the_store_out_of_reach(log_in: Callable[..., Client]) -> None:
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
