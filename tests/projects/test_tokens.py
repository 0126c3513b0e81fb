"""The recipes of docs/tokens.md in an API of the REST framework, word for word: a page of another
site with the access tokens of simplejwt, and an app without cookies with the framework's own."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.browser.test_static_files import another_host
from tests.e2e.server_support import ROOT
from tests.e2e.test_quickstart import Site, serving
from tests.polling import TIMEOUT
from tests.test_docs import fences, section

from .following import (
    NAME,
    PASSWORD,
    add_apps,
    add_settings,
    add_to_wsgi_project,
    begin,
    code,
    edit,
    expect_green,
    inline,
    manage,
    recipe,
    serving_with_whitenoise,
)

TOKENS = (ROOT / "docs/tokens.md").read_text()
JWT = recipe("## With djangorestframework-simplejwt", TOKENS)
API = "https://api.example.com"
REVALIDATE_INTERVAL = 2.0

# Each login is renewed after half of its time.
BRIEFLY = """
from datetime import timedelta
SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] = timedelta(seconds=4)
"""
# At once: the start of a command would take a second of the token's four.
REVOKE = """
INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at)
SELECT id, datetime('now') FROM token_blacklist_outstandingtoken
WHERE id NOT IN (SELECT token_id FROM token_blacklist_blacklistedtoken)
"""
RENEWED = """
window.renewed = 0;
client.addEventListener("frame", ({ detail: { direction, frame } }) => {
  if (direction === "out" && frame.type === "auth") window.renewed += 1;
});
client.addEventListener("connection_lost", ({ detail }) => { window.lost = detail.code; });
"""


def use_consumer(project: Path) -> None:
    """Let the application take connections with the consumer of a recipe."""
    imported, application = code(JWT[4]).strip().split("\n\n")
    edit(
        project / "mysite/asgi.py",
        "application = realtime_application(pages)",
        f"{imported}\n\n{application}",
    )


# A page of another site


class Shop(NamedTuple):
    """The API, its project, and the address of its page."""

    site: Site
    project: Path
    page: str


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    project = begin("orders", tmp_path_factory.mktemp("jwt"))
    add_to_wsgi_project(project)
    apps, tokens, urls, consumer, _, page = JWT
    [app] = inline(apps, '^"')
    add_apps(project, first="", last=f"    {app},\n")
    add_settings(project, code(apps) + BRIEFLY)
    (project / "accounts/tokens.py").write_text(code(tokens))
    (project / "accounts/consumers.py").write_text(code(consumer))
    with (project / "mysite/urls.py").open("a") as file:
        file.write(code(urls).replace("urlpatterns = [", "urlpatterns += ["))
    use_consumer(project)
    manage(project, "migrate", "--verbosity=0")
    with another_host(project / "page") as address:
        origin = address.rstrip("/").replace("127.0.0.1", "localhost")  # another site
        edit(project / "mysite/settings.py", "https://www.example.com", origin)
        options = {"ALLOWED_ORIGINS": [origin], "REVALIDATE_INTERVAL": REVALIDATE_INTERVAL}
        add_settings(project, f"REALTIME = {options}")
        with serving_with_whitenoise(project) as site:
            show_tokens(project / "page", page, site)
            yield Shop(site, project, origin)


def show_tokens(folder: Path, step: str, site: Site) -> None:
    """Let the page log in with tokens, and show the dot as the last step of the recipe says."""
    imported, connecting = fences(step, "js")[0].strip().split("\n\n")
    [element] = inline(step, "^<realtime-status")
    page, script = folder / "index.html", folder / "tokens.js"
    edit(page, "cookies.js", "tokens.js")
    edit(page, "Your orders</h1>", f"Your orders</h1>{element}</realtime-status>")
    edit(script, "const api", f"{imported}\nconst api")
    edit(script, "  show();", f"  {connecting}\n  window.client = client;{RENEWED}\n  show();")
    for path in (page, script):
        text = path.read_text().replace("wss://", "ws://").replace(API, site.address.rstrip("/"))
        path.write_text(text)


@pytest.fixture
def visitor(page: Page, shop: Shop) -> Page:
    """A page whose dot is green."""
    page.goto(shop.page)
    page.fill("[name=email]", NAME)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect_green(page)
    assert page.context.cookies() == []
    return page


def test_a_login_is_renewed_on_its_connection(visitor: Page) -> None:
    session = visitor.evaluate("client.stats().session")
    visitor.wait_for_function("renewed === 3")  # the first token has expired by then
    expect_green(visitor)
    stats = visitor.evaluate("client.stats()")
    assert (stats["session"], stats["lastError"]) == (session, None)
    assert visitor.evaluate("window.lost") is None


def test_a_logout_closes_the_socket(visitor: Page) -> None:
    assert visitor.evaluate("logOut().then((answer) => answer.status)") == 200
    visitor.wait_for_function("window.lost === 4503")


def test_a_revoked_login_is_out_within_the_interval(visitor: Page, shop: Shop) -> None:
    visitor.wait_for_function("renewed === 1")  # the new token outlasts what follows
    with closing(sqlite3.connect(shop.project / "db.sqlite3", timeout=10)) as database, database:
        assert database.execute(REVOKE).rowcount > 0
    began = time.monotonic()
    visitor.wait_for_function("window.lost")
    assert visitor.evaluate("window.lost") == 4503
    assert time.monotonic() - began < REVALIDATE_INTERVAL + 2  # and the second look at it


# An app


class Api(NamedTuple):
    """A server and its project."""

    site: Site
    project: Path

    @property
    def token(self) -> str:
        """The token of the one user."""
        with closing(sqlite3.connect(self.project / "db.sqlite3")) as database:
            [(key,)] = database.execute("SELECT key FROM authtoken_token")
        return str(key)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    project = begin("orders", tmp_path_factory.mktemp("authtoken"))
    add_to_wsgi_project(project)
    add_apps(project, first="", last='    "rest_framework.authtoken",\n')
    [consumer] = fences(section(TOKENS, "## With tokens of the REST framework"), "python")
    (project / "accounts/consumers.py").write_text(consumer)
    use_consumer(project)
    add_settings(project, f"REALTIME = {{'REVALIDATE_INTERVAL': {REVALIDATE_INTERVAL}}}")
    manage(project, "migrate", "--verbosity=0")
    manage(project, "drf_create_token", NAME)
    with serving(project, ROOT, "manage.py serve") as site:
        yield Api(site, project)


@contextmanager
def app(site: Site, token: str) -> Iterator[ClientConnection]:
    """An app that says hello as the page tells it, without cookies and origin."""
    [hello] = fences(section(TOKENS, "## A mobile client"), "json")
    address = f"{site.address.replace('http', 'ws')}ws/"
    with connect(address, subprotocols=[Subprotocol("realtime.v1")], proxy=None) as connection:
        connection.send(json.dumps(json.loads(hello) | {"auth": token}))
        yield connection


def end_of(connection: ClientConnection) -> tuple[int, str] | None:
    """Code and reason of the close frame, awaited."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            connection.recv(timeout=TIMEOUT)
    frame = closed.value.rcvd
    return (int(frame.code), frame.reason) if frame else None


def test_an_app_brings_its_token(api: Api) -> None:
    with app(api.site, api.token) as connection:
        welcome = json.loads(connection.recv(timeout=TIMEOUT))
    assert (welcome["type"], len(welcome["user"])) == ("welcome", 36)


def test_a_wrong_token_is_refused(api: Api) -> None:
    with app(api.site, "wrong") as connection:
        assert end_of(connection) == (4501, "not authenticated")


def test_the_app_of_a_deleted_token_is_out_within_the_interval(api: Api) -> None:
    with app(api.site, api.token) as connection:
        connection.recv(timeout=TIMEOUT)
        manage(api.project, "drf_create_token", "--reset", NAME)
        began = time.monotonic()
        assert end_of(connection) == (4503, "logged out")
        assert time.monotonic() - began < REVALIDATE_INTERVAL + 2
