"""Users of the project's own model: keys of other kinds, names that are null, several backends."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.polling import eventually

from .support import ANSWERING, NO_TLS, Project, Server, connected

BACKENDS = (
    "django.contrib.auth.backends.ModelBackend",
    "tests.e2e.accounts.backends.LinkBackend",
)
LIST = "/admin/realtime/livesession/"

MAKE_USER = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
user = get_user_model().objects.create(email="ann_b@example.com", {key}nick={nick!r})
cookies = []
for backend in {backends!r}:
    browser = Client()
    browser.force_login(user, backend)
    cookies.append("sessionid=" + browser.cookies["sessionid"].value)
print(json.dumps([str(user.pk), cookies]))
"""


class Kind(NamedTuple):
    """A user model: the type of its key, the field of its names, a user's name, and the name that
    users are searched by."""

    key: str
    name_field: str
    nick: str | None
    name: str
    searched: str


KINDS = {
    "uuid": Kind("uuid", "email", None, "ann_b@example.com", "ann_b@example.com"),
    "email": Kind("email", "nick", None, "", ""),
    "nick": Kind("email", "nick", "ann b", "ann b", "ann b"),
}


class Account(NamedTuple):
    """A user that has logged in once by each backend."""

    kind: Kind
    pk: str
    cookies: list[str]
    project: Project
    server: Server

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page of the admin."""
        return httpx.get(
            self.server.url + path,
            headers={"Cookie": self.cookies[0]},
            timeout=ANSWERING,
            verify=NO_TLS,
            **options,
        )


@pytest.fixture(scope="module", params=KINDS)
def account(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    kind = KINDS[request.param]
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.accounts_project",
        "KEY": kind.key,
        "NAME": kind.name_field,
    }
    project = Project(tmp_path_factory.mktemp("accounts") / "db.sqlite3", environ=environ)
    project.manage("migrate", "--run-syncdb", "--verbosity=0")
    key = 'key="ann_b@example.com", ' if kind.key == "email" else ""
    made = project.shell(MAKE_USER.format(key=key, nick=kind.nick, backends=BACKENDS))
    pk, cookies = json.loads(made)
    with project.serve() as server:
        yield Account(kind, pk, cookies, project, server)
        assert server.complaints() == []
        assert server.lines_with("None") == []


async def test_a_user_connects_by_each_backend_and_is_in_its_room(account: Account) -> None:
    async with (
        connected(account.server, account.cookies[0]) as one,
        connected(account.server, account.cookies[1]) as other,
    ):
        assert [each.welcome["user"] for each in (one, other)] == [account.pk] * 2
        [room] = one.welcome["rooms"]
        assert room.startswith("user:")
        publish = "from realtime import api; api.publish_to_user({!r}, 'hello')"
        account.project.shell(publish.format(account.pk))
        for each in (one, other):
            publication = await each.frame("publication")
            assert (publication["room"], publication["data"]) == (room, "hello")
        names = {(row["user"], row["username"]) for row in account.project.sessions()}
        assert names == {(account.pk, account.kind.name)}


async def test_the_log_names_a_user(account: Account) -> None:
    async with connected(account.server, account.cookies[0]) as client:
        name = account.kind.name or account.pk
        line = f"session {client.id[:8]} of {name} (127.0.0.1) opened"
        eventually(lambda: account.server.lines_with(line), what=account.server.log)


async def test_a_kick_reaches_all_of_a_user(account: Account) -> None:
    kick = (
        "from django.contrib.auth import get_user_model; from realtime import api; "
        "user = get_user_model().objects.get(); expected = len(api.sessions_of(user)); "
        "print(api.kick_user(user) - expected, api.kick_user(None))"
    )
    async with connected(account.server, account.cookies[0]) as client:
        assert account.project.shell(kick).split() == ["0", "0"]
        assert (await client.closed())[0] == 4500


async def test_the_admin_finds_a_user_and_leads_to_its_page(account: Account) -> None:
    async with connected(account.server, account.cookies[0]) as client:
        shown = account.kind.name or account.pk
        for by, text in (("username", account.kind.searched), ("user", account.pk)):
            page = account.get(LIST, params={"by": by, "q": text}).text
            assert client.id[:8] in page
            assert shown in page
            assert ">None<" not in page
        page = account.get(f"{LIST}{client.id[:8]}/change/").text
        [link] = re.findall(r'href="(/admin/accounts/account/[^"]+/change/)"', page)
        assert account.get(link).status_code == 200


def test_no_session_has_an_unknown_name(account: Account) -> None:
    """Neither the text of the key's type, nor one that it cannot hold."""
    for name in ("None", "x" * 300, "\ud800".encode(errors="surrogatepass").decode("latin1")):
        page = account.get(LIST, params={"by": "username", "q": name})
        assert "No session matches." in page.text


async def test_the_admin_disconnects_all_of_a_user(account: Account) -> None:
    with httpx.Client(base_url=account.server.url, timeout=ANSWERING, verify=NO_TLS) as browser:
        browser.headers["Cookie"] = account.cookies[0]
        async with connected(account.server, account.cookies[1]) as client:
            token = browser.get(LIST).cookies["csrftoken"]
            browser.headers["Cookie"] += f"; csrftoken={token}"
            form = {"session": client.id, "scope": "users", "confirmed": "yes"}
            answer = browser.post(f"{LIST}disconnect/", data={**form, "csrfmiddlewaretoken": token})
            assert answer.status_code == 302
            assert (await client.closed())[0] == 4500
        log = account.project.rows("SELECT object_id, object_repr FROM django_admin_log")
        assert (log[-1]["object_id"], log[-1]["object_repr"]) == (
            account.pk, account.kind.name or account.pk
        )  # fmt: skip
