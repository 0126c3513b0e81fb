"""docs/deploy/nginx.conf in a real nginx, with `manage.py serve` behind it.

Durations are shortened on both sides alike.
"""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.polling import eventually_in_thread

from .nginx_server import CONFIGURATION, NAME, Nginx
from .support import Client, ExecutedProject, Frame, Project, Server, free_port, login, pong

# The server as it is set up behind a proxy on the same machine.
BEHIND = {"ALLOWED_HOSTS": f"{NAME},127.0.0.1", "SECURE_PROXY_SSL_HEADER": "1", "DEBUG": "0"}

# Addresses of this machine, all of them loopback: who connects, and who else.
VISITOR = "127.0.0.2"
FORGED = "203.0.113.7"
ANOTHER = "127.0.0.3"


@asynccontextmanager
async def through(
    nginx: Nginx,
    cookie: str,
    *,
    origin: str = "",
    resume: Frame | None = None,
    forwarded: str = "",
    address: str = VISITOR,
    greets: bool = True,
) -> AsyncIterator[Client]:
    """A client that has been welcomed, by way of nginx, as a browser would connect; unless it
    ``greets``, one that has said nothing."""
    claim = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with connect(
        f"wss://{NAME}:{nginx.port}/ws/",
        host="127.0.0.1",
        port=nginx.port,
        local_addr=(address, 0),
        ssl=nginx.trust,
        origin=origin or nginx.origin,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie, **claim},
        compression=None,
        ping_interval=None,
        close_timeout=1,
        proxy=None,
    ) as connection:
        client = Client(connection, pong)
        try:
            if greets:
                await client.hello(resume)
                await client.frame("welcome")
            yield client
        finally:
            await client.aclose()


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("nginx-project")
    return ExecutedProject.copy(template, folder, environ=BEHIND, trusted_proxies="127.0.0.1")


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve_cleanly() as process:
        yield process


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture(scope="module")
def nginx(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with Nginx(tmp_path_factory.mktemp("nginx"), server.port) as process:
        yield process


def test_nginx_finds_nothing_wrong_with_the_configuration(nginx: Nginx) -> None:
    test = nginx.command("-t")
    done = subprocess.run(test, check=False, capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"\[(warn|error|crit|alert|emerg)\]", done.stderr), done.stderr


def test_its_read_timeout_is_longer_than_our_patience() -> None:
    from realtime.conf import DEFAULTS

    found = re.search(r"proxy_read_timeout (\d+)s;", CONFIGURATION.read_text())
    assert found
    assert int(found[1]) > DEFAULTS["SESSION_TIMEOUT"]


async def test_a_client_is_welcomed_and_answers_are_heard(
    nginx: Nginx, project: Project, cookie: str
) -> None:
    async with through(nginx, cookie) as client:
        await client.send(type="ping", sequence=1)
        assert (await client.frame("pong"))["sequence"] == 1
        assert project.state(client.id) == "connected"


@pytest.mark.parametrize(
    "origin",
    [
        f"https://{NAME}",  # another port than the proxy's
        f"http://{NAME}:%d",  # not the scheme the proxy was asked with
        "https://evil.example:%d",
    ],
)
async def test_only_pages_of_the_proxys_host_may_connect(
    nginx: Nginx, cookie: str, origin: str
) -> None:
    foreign = origin % nginx.port if "%" in origin else origin
    async with through(nginx, cookie, origin=foreign, greets=False) as client:
        assert await client.closed() == (4502, "origin not allowed")


async def test_without_the_proxys_scheme_its_own_pages_are_refused(
    nginx: Nginx, project: Project, cookie: str, tmp_path: Path
) -> None:
    unaware = ExecutedProject(project.database, environ={**BEHIND, "SECURE_PROXY_SSL_HEADER": "0"})
    with unaware.serve() as server, Nginx(tmp_path, server.port) as other:
        async with through(other, cookie, greets=False) as client:
            assert await client.closed() == (4502, "origin not allowed")


def test_pages_and_static_files_come_through(nginx: Nginx) -> None:
    page = nginx.get("/accounts/login/")
    assert page.status_code == 200
    assert nginx.get("/static/a.txt").text == "from nginx"
    plain = httpx.get(f"http://127.0.0.1:{nginx.plain_port}/x?y=1", headers={"Host": NAME})
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{NAME}/x?y=1")


# The client's address


async def test_the_address_is_the_clients_not_the_proxys(
    nginx: Nginx, project: Project, cookie: str
) -> None:
    async with through(nginx, cookie) as client:
        seen = await asyncio.to_thread(project.session, client.id)
        assert seen["address"] == VISITOR
        await client.send(type="bye")
        await client.closed()
    assert (await asyncio.to_thread(project.history, client.id))["address"] == VISITOR


async def test_what_a_client_claims_of_itself_is_not_believed(
    nginx: Nginx, project: Project, cookie: str
) -> None:
    async with through(nginx, cookie, forwarded=FORGED) as client:
        seen = await asyncio.to_thread(project.session, client.id)
    assert seen["address"] == VISITOR


async def test_a_proxy_that_is_not_named_is_not_believed(
    project: Project, cookie: str, tmp_path: Path
) -> None:
    untrusting = ExecutedProject(project.database, environ=BEHIND, trusted_proxies="10.0.0.0/8")
    with untrusting.serve() as server, Nginx(tmp_path, server.port) as other:
        async with through(other, cookie) as client:
            seen = await asyncio.to_thread(untrusting.session, client.id)
    assert seen["address"] == "127.0.0.1"


# Limits of one address


async def refused(nginx: Nginx, cookie: str, **options: Any) -> int:
    """The status of a handshake that must be refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with through(nginx, cookie, **options):
            pass
    return caught.value.response.status_code


async def test_silent_connections_are_limited_by_the_address_that_nginx_names(
    project: Project, cookie: str, tmp_path: Path
) -> None:
    few = ExecutedProject(
        project.database, environ=BEHIND, trusted_proxies="127.0.0.1", max_ungreeted=2
    )
    with few.serve() as server, Nginx(tmp_path, server.port) as nginx:
        async with through(nginx, cookie, greets=False), through(nginx, cookie, greets=False):
            assert await refused(nginx, cookie) == 503
            assert await refused(nginx, cookie, forwarded=FORGED) == 503
            async with through(nginx, cookie, address=ANOTHER):
                pass
        async with through(nginx, cookie), through(nginx, cookie), through(nginx, cookie):
            pass


@pytest.mark.parametrize(
    "limits",
    [
        {"limit_conn realtime_connections 1000;": "limit_conn realtime_connections 2;"},
        {"rate=20r/s": "rate=1r/m", "burst=200 nodelay": "burst=1 nodelay"},
    ],
    ids=["connections", "handshakes"],
)
async def test_nginx_limits_an_address(
    server: Server, cookie: str, tmp_path: Path, limits: dict[str, str]
) -> None:
    with Nginx(tmp_path, server.port, limits=limits) as nginx:
        async with through(nginx, cookie), through(nginx, cookie):
            assert await refused(nginx, cookie) == 503
            assert nginx.get("/accounts/login/").status_code == 200
            async with through(nginx, cookie, address=ANOTHER):
                pass


# Silence. Five minutes with a ping every 25 s, fifty times as fast.

FAST = {"ping_interval": 0.5, "pong_timeout": 0.2, "session_timeout": 1.8}


async def test_five_silent_minutes_are_harmless(
    project: Project, cookie: str, tmp_path: Path
) -> None:
    fast = ExecutedProject(project.database, environ=BEHIND, **FAST)
    with fast.serve() as server, Nginx(tmp_path, server.port, read_timeout="3600ms") as nginx:
        async with through(nginx, cookie) as client:
            await client.frame("ping", number=12)
            assert client.end is None
            assert {frame["type"] for frame in client.frames} == {"welcome", "ping"}


async def test_a_read_timeout_shorter_than_the_pings_cuts_the_line_and_the_client_resumes(
    project: Project, cookie: str, tmp_path: Path
) -> None:
    """The purpose of the right one; and that the test above would notice a wrong one."""
    slow = ExecutedProject(project.database, environ=BEHIND, ping_interval=5)
    with slow.serve() as server, Nginx(tmp_path, server.port, read_timeout="300ms") as nginx:
        async with through(nginx, cookie) as client:
            assert await client.closed() == (1006, "")
        await eventually_in_thread(lambda: slow.state(client.id) == "suspended")
        async with through(nginx, cookie, resume=client.ticket) as again:
            assert again.welcome["resumed"] is True


# The drain


async def test_a_drain_reaches_everybody_through_the_proxy_and_all_come_back(
    project: Project, cookie: str, tmp_path: Path
) -> None:
    port = free_port()
    with Nginx(tmp_path, port) as nginx:
        with project.serve(port) as old:
            tickets = await drained(nginx, old, cookie)
        assert nginx.get("/accounts/login/").status_code == 502
        with project.serve(port):
            for ticket in tickets:
                async with through(nginx, cookie, resume=ticket) as client:
                    assert client.welcome["resumed"] is True
                    assert client.id == ticket["session"]


async def drained(nginx: Nginx, server: Server, cookie: str) -> list[Frame]:
    """Three clients, told to come back by a server that ends; their tickets."""
    async with (
        through(nginx, cookie) as a,
        through(nginx, cookie) as b,
        through(nginx, cookie) as c,
    ):
        server.stop()
        for client in (a, b, c):
            assert await client.closed() == (1001, "server shutting down")
            assert client.of("goodbye")[0]["delay"] == [0, 5000]
        assert await asyncio.to_thread(server.exit_code) == 0
        return [client.ticket for client in (a, b, c)]
