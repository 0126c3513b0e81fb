"""Logins and sockets: who may come in, and how soon an ended login is the end of its sockets."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server_support import Peer
from .support import PASSWORD, Client, Project, Server, Visitor, connected, dialled, login

AT_ONCE = 1.5  # a flush, and some patience
AT_THE_NEXT_LOOK = 2.5  # REVALIDATE_INTERVAL is 1 s here

NEW_PASSWORD = "another-for-a-test"


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("logins")
    return Project.copy(template, folder, revalidate_interval=1)


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as process:
        yield process


@pytest.fixture(autouse=True)
def quiet_log(server: Server) -> Iterator[None]:
    yield
    assert server.complaints() == []


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    with Visitor(server) as visitor:
        yield visitor


def session_key(visitor: Visitor) -> str:
    return str(visitor.http.cookies["sessionid"])


async def ends_with(client: Client, code: int, *, within: float) -> None:
    """The socket gets a goodbye and a close with this code, in time."""
    began = time.monotonic()
    assert (await client.closed(within=within + 1))[0] == code
    assert client.ended_at - began < within
    assert client.of("goodbye")[0]["code"] == code


# Coming in


async def test_a_login_opens_a_session_of_its_user(
    project: Project, server: Server, visitor: Visitor
) -> None:
    async with connected(server, visitor.login("ann").cookie) as client:
        [row] = project.rows("SELECT id FROM auth_user WHERE username = 'ann'")
        assert client.welcome["user"] == str(row["id"])
        assert project.session(client.id)["user"] == str(row["id"])
        assert project.session(client.id)["address"] == "127.0.0.1"


@pytest.mark.parametrize("cookie", ["", "sessionid=nonsense", "sessionid=;;=", "\xff=\xff; a"])
async def test_an_anonymous_client_is_accepted_and_closed_with_a_goodbye(
    server: Server, cookie: str
) -> None:
    async with dialled(server, cookie) as client:
        await client.hello()
        assert await client.closed(within=2) == (4501, "not authenticated")
    [goodbye] = client.frames
    assert (goodbye["type"], goodbye["code"], goodbye["reconnect"]) == ("goodbye", 4501, False)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://localhost",  # another scheme
        "http://localhost:1",  # another port
        "http://localhost.evil.example",
        "http://evil.example@localhost",
        "http://localhost/path",
        "null",
        "",
        "localhost",
        "http://",
        "http://[",
        "http://[::1",
        "http://localhost:port",
        "http://localhost:99999999",
        "javascript:alert(1)",
        "\xff\xfe",
        "*",
    ],
)
def test_a_foreign_or_malformed_origin_is_told_so(
    server: Server, visitor: Visitor, origin: str
) -> None:
    cookie = visitor.login("ann").cookie if origin == "http://evil.example" else "sessionid=x"
    with Peer(server.port) as peer:
        peer.ask_upgrade("/ws/", f"Cookie: {cookie}", f"Origin: {origin}")
        assert peer.status() == 101
        assert peer.closed_with() == (4502, "origin not allowed")


@pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:80", "HTTP://LOCALHOST"])
def test_the_own_origin_may_come_in(server: Server, origin: str) -> None:
    with Peer(server.port) as peer:
        peer.ask_upgrade("/ws/", f"Origin: {origin}")  # its Host is localhost
        assert peer.status() == 101


# Ends of a login


async def test_logout_in_another_tab(project: Project, server: Server, visitor: Visitor) -> None:
    visitor.login("ann")
    async with (
        connected(server, visitor.cookie) as one,
        connected(server, visitor.cookie) as other,
        connected(server, login(server, "ann")) as elsewhere,
    ):
        visitor.logout()
        for client in (one, other):
            await ends_with(client, 4503, within=AT_ONCE)
        await elsewhere.send(type="ping", sequence=1)  # another login of the same user
        await elsewhere.frame("pong")
        assert elsewhere.end is None
    assert project.history(one.id)["code"] == 4503


async def test_a_session_row_deleted(project: Project, server: Server, visitor: Visitor) -> None:
    async with connected(server, visitor.login("ann").cookie) as client:
        key = session_key(visitor)
        project.rows("DELETE FROM django_session WHERE session_key = ?", key)
        await ends_with(client, 4008, within=AT_THE_NEXT_LOOK)
    async with dialled(server, visitor.cookie) as again:
        await again.hello()
        assert (await again.closed())[0] == 4501


async def test_a_session_expired(project: Project, server: Server, visitor: Visitor) -> None:
    async with connected(server, visitor.login("ann").cookie) as client:
        past = "UPDATE django_session SET expire_date = '2000-01-01' WHERE session_key = ?"
        project.rows(past, session_key(visitor))
        await ends_with(client, 4008, within=AT_THE_NEXT_LOOK)


CYCLE = """
from django.contrib.sessions.backends.db import SessionStore
store = SessionStore({key!r})
store.cycle_key()
store.save()
print(store.session_key)
"""


async def test_a_session_that_has_moved_to_a_new_key(
    project: Project, server: Server, visitor: Visitor
) -> None:
    """As by ``request.session.cycle_key()``."""
    async with connected(server, visitor.login("ann").cookie) as client:
        new = project.shell(CYCLE.format(key=session_key(visitor))).strip()
        await ends_with(client, 4008, within=AT_THE_NEXT_LOOK)
    async with connected(server, f"sessionid={new}", resume=client.ticket) as back:
        assert back.welcome["resumed"] is True


async def test_a_user_deactivated(project: Project, server: Server, visitor: Visitor) -> None:
    async with connected(server, visitor.login("cleo").cookie) as client:
        project.rows("UPDATE auth_user SET is_active = 0 WHERE username = 'cleo'")
        await ends_with(client, 4503, within=AT_THE_NEXT_LOOK)
    async with dialled(server, visitor.cookie) as again:
        await again.hello()
        assert (await again.closed())[0] == 4501


async def test_a_password_changed_by_an_administrator(
    project: Project, server: Server, visitor: Visitor
) -> None:
    [row] = project.rows("SELECT id FROM auth_user WHERE username = 'bob'")
    page = f"/admin/auth/user/{row['id']}/password/"
    async with connected(server, visitor.login("bob").cookie) as client:
        with Visitor(server).login("admin") as admin:
            fields = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
            admin.post(page, **fields, usable_password="true")
        await ends_with(client, 4503, within=AT_THE_NEXT_LOOK)


async def test_the_own_password_changed(server: Server, visitor: Visitor) -> None:
    async with connected(server, visitor.login("dan").cookie) as client:
        before = session_key(visitor)
        visitor.post(
            "/accounts/password_change/",
            old_password=PASSWORD,
            new_password1=NEW_PASSWORD,
            new_password2=NEW_PASSWORD,
        )
        assert session_key(visitor) != before
        await ends_with(client, 4008, within=AT_THE_NEXT_LOOK)
        assert client.of("goodbye")[0]["reconnect"] is True
    async with connected(server, visitor.cookie, resume=client.ticket) as back:
        assert back.welcome["resumed"] is True


async def test_nothing_ends_for_those_whose_login_stands(server: Server, visitor: Visitor) -> None:
    async with connected(server, visitor.login("ann").cookie) as client:
        with pytest.raises(AssertionError):
            await client.closed(within=AT_THE_NEXT_LOOK)
        assert client.end is None


# Anonymous


ANONYMOUS_SESSION = """
from django.contrib.sessions.backends.db import SessionStore
store = SessionStore()
store["basket"] = [1]
store.save()
print(store.session_key)
"""


async def test_anonymous_sockets_where_they_are_allowed(project: Project) -> None:
    with project.serve(allow_anonymous=1) as server:
        async with connected(server) as client:
            assert client.welcome["user"] is None
            assert project.session(client.id)["user"] is None
            await client.send(type="ping", sequence=1)
            await client.frame("pong")


async def test_a_login_calls_the_anonymous_socket_back(project: Project) -> None:
    key = project.shell(ANONYMOUS_SESSION).strip()
    with project.serve(allow_anonymous=1) as server, Visitor(server) as visitor:
        visitor.http.cookies.set("sessionid", key, domain="127.0.0.1")
        async with connected(server, visitor.cookie) as client:
            assert client.welcome["user"] is None
            visitor.login("ann")
            assert session_key(visitor) != key
            await ends_with(client, 4008, within=AT_ONCE)
        async with connected(server, visitor.cookie, resume=client.ticket) as back:
            assert back.welcome["user"] is not None
            assert back.welcome["resumed"] is False  # never another user's session
