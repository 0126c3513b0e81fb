"""The demo project's pages."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from realtime import composition

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged_in(client: Client) -> Client:
    client.force_login(User.objects.create_user("ann", password="old-password"))
    return client


def test_the_page_requires_a_login(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"
    page = client.get("/accounts/login/").content.decode()
    assert "Live pages for Django" in page
    assert "As <strong>demo</strong>, or as <strong>admin</strong>" in page


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/password_change/"])
def test_a_page_has_one_language_for_all_visitors(logged_in: Client, path: str) -> None:
    page = logged_in.get(path, headers={"Accept-Language": "zh-hans,de"}).content.decode()
    assert not re.search(r"[\u4e00-\u9fff]", page.replace("简体中文", ""))  # a link
    assert 'lang="en-GB"' in page


def test_the_page_shows_the_user_and_the_status(logged_in: Client) -> None:
    page = logged_in.get("/").content.decode()
    assert "Logged in as <strong>ann</strong>." in page
    assert '<realtime-status lang="en-gb">' in page
    assert 'id="realtime-dot" data-state="disconnected"' in page
    assert 'id="realtime-word"' in page


def test_the_page_has_a_chat_and_notifications(logged_in: Client) -> None:
    page = logged_in.get("/").content.decode()
    assert '<form id="chat-form" data-name="ann">' in page
    assert '<form id="notify-form" method="post" action="/notify/">' in page
    assert '<option value="ann" selected>ann</option>' in page  # a first try reaches oneself


def notify(client: Client, **fields: str) -> tuple[int, str]:
    answer = client.post("/notify/", fields)
    return answer.status_code, answer.headers.get("Location", answer.content.decode())


@pytest.mark.django_db(transaction=True)
def test_a_notification_is_published_to_its_user(client: Client) -> None:
    ann = User.objects.create_user("ann")
    bob = User.objects.create_user("bob")
    client.force_login(ann)
    assert notify(client, user="bob", text="your order shipped") == (302, "/")
    log = composition.blocking_store().log
    extract = log.read(f"user:{bob.pk}", after=0, limit=10, max_bytes=1000)
    assert [json.loads(entry.data) for entry in extract.entries] == [
        {"from": "ann", "text": "your order shipped"}
    ]


def test_a_notification_without_a_user_or_text_is_refused(logged_in: Client) -> None:
    assert notify(logged_in, user="unknown", text="hello")[0] == 400
    assert notify(logged_in, user="ann", text=" ")[0] == 400
    assert notify(logged_in, user="ann", text="x" * 201)[0] == 400
    assert logged_in.get("/notify/").status_code == 405


def test_notifying_requires_a_login(client: Client) -> None:
    assert notify(client, user="ann", text="hello") == (302, "/accounts/login/?next=/notify/")


def test_logging_out_is_a_post(logged_in: Client) -> None:
    assert logged_in.get("/accounts/logout/").status_code == 405
    assert logged_in.post("/accounts/logout/").headers["Location"] == "/accounts/login/"


def test_changing_the_password_redirects_to_the_page(logged_in: Client) -> None:
    assert logged_in.get("/accounts/password_change/").status_code == 200
    new = {"new_password1": "a-new-one-9", "new_password2": "a-new-one-9"}
    answer = logged_in.post("/accounts/password_change/", {"old_password": "old-password", **new})
    assert answer.headers["Location"] == "/"


def test_the_page_links_to_the_docs(logged_in: Client) -> None:
    page = logged_in.get("/").content.decode()
    assert '<a href="/docs/client.md">The browser client</a>' in page


def test_a_page_has_no_link_that_its_visitor_may_not_follow(client: Client) -> None:
    """The admin's links are for its staff; the live sessions need a permission as well."""
    assert 'href="/accounts/login/"' in client.get("/README.md").content.decode()
    ann = User.objects.create_user("ann")
    client.force_login(ann)
    assert "/admin/" not in client.get("/").content.decode()
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    page = client.get("/").content.decode()
    assert 'href="/admin/"' in page
    assert 'href="/admin/realtime/livesession/"' not in page
    User.objects.filter(pk=ann.pk).update(is_superuser=True)
    assert 'href="/admin/realtime/livesession/"' in client.get("/").content.decode()


def test_a_document_is_rendered_and_its_links_lead_somewhere(client: Client) -> None:
    page = client.get("/docs/client.md").content.decode()
    assert "<title>The browser client</title>" in page
    assert '<h2 id="rooms">Rooms</h2>' in page
    assert "<table>" in page
    assert '<a href="#rooms">' in page
    assert '<img src="images/status-connected.png"' in page
    picture = client.get("/docs/images/status-connected.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert client.get("/docs/decisions/own-servers.md").status_code == 200
    site = client.get("/docs/deploy/nginx.conf")
    assert site.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert client.get("/README.md").status_code == 200


def test_html_in_a_document_is_escaped(client: Client) -> None:
    page = client.get("/README.md").content.decode()
    assert "<script" not in page.partition("<article")[2]


@pytest.mark.parametrize(
    "name", ["docs/no-such.md", "docs/../manage.py", "manage.py", "docs/images", "docs/%2e%2e/.env"]
)
def test_a_document_is_never_a_file_outside_of_the_documentation(client: Client, name: str) -> None:
    assert client.get(f"/{name}").status_code == 404


@pytest.mark.parametrize("name", ["demo.css", "demo.js", "chat.js", "notifications.js", "icon.svg"])
def test_static_files_are_found(name: str) -> None:
    assert finders.find(f"project/{name}")
