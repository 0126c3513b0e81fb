"""The demo project's pages."""

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_in(client: Client) -> Client:
    client.force_login(User.objects.create_user("ann", password="old-password"))
    return client


def test_the_page_wants_a_login(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"
    assert client.get("/accounts/login/").status_code == 200


def test_the_page_says_who_and_has_a_dot(logged_in: Client) -> None:
    page = logged_in.get("/").content.decode()
    assert "Logged in as <strong>ann</strong>." in page
    assert '<realtime-status lang="en">' in page
    assert 'id="realtime-dot" data-state="disconnected"' in page
    assert 'id="realtime-word"' in page


def test_logging_out_is_a_post(logged_in: Client) -> None:
    assert logged_in.get("/accounts/logout/").status_code == 405
    assert logged_in.post("/accounts/logout/").headers["Location"] == "/accounts/login/"


def test_changing_the_password_leads_back(logged_in: Client) -> None:
    assert logged_in.get("/accounts/password_change/").status_code == 200
    new = {"new_password1": "a-new-one-9", "new_password2": "a-new-one-9"}
    answer = logged_in.post("/accounts/password_change/", {"old_password": "old-password", **new})
    assert answer.headers["Location"] == "/"


def test_the_page_leads_to_the_admin_and_the_docs(logged_in: Client) -> None:
    page = logged_in.get("/").content.decode()
    assert 'href="/admin/realtime/livesession/"' in page
    assert '<a href="/docs/client.md">The browser client</a>' in page


def test_a_document_is_shown_as_it_was_written(client: Client) -> None:
    answer = client.get("/docs/client.md")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().startswith("# The browser client\n")
    assert client.get("/docs/no-such.md").status_code == 404
    assert client.get("/docs/../README.md").status_code == 404


@pytest.mark.parametrize("name", ["demo.css", "demo.js", "icon.svg"])
def test_static_files_are_found(name: str) -> None:
    assert finders.find(f"project/{name}")
