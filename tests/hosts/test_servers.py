"""Servers of others: they serve the whole protocol, and leave no session behind at their end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support import Server, connected, dialled, login, silent

from .host_project import HostProject

pytestmark = pytest.mark.matrix

APPLICATION = "tests.e2e.rooms_app:application"
WORKER = "uvicorn_worker.UvicornWorker"
SERVERS = {
    "gunicorn": ("gunicorn", "-k", WORKER, "-b", "127.0.0.1:{port}", APPLICATION),
    "granian": ("granian", "--interface", "asgi", "--port", "{port}", APPLICATION),
    "hypercorn": ("hypercorn", "-b", "127.0.0.1:{port}", APPLICATION),
}
# The close code that clients see at the end. Each of these ends connections before its lifespan.
ENDS = {"gunicorn": 1012, "granian": 1006, "hypercorn": 1011}


@pytest.fixture(scope="module", params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def project(name: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> HostProject:
    folder = tmp_path_factory.mktemp(name)
    home = {"HOME": str(folder)}  # where gunicorn has a socket for commands
    return HostProject.copy(template, folder, environ=home, ping_interval=1, pong_timeout=1)


@pytest.fixture(scope="module")
def server(name: str, project: HostProject) -> Iterator[Server]:
    with project.host(*SERVERS[name]) as server:
        yield server
        assert server.complaints() == []


async def test_publications_go_both_ways(server: Server, project: HostProject) -> None:
    async with connected(server, login(server, "ann"), rooms={"chat:1": None}) as client:
        await client.send(type="message", id=1, room="chat:1", data="from a client", key="k")
        await client.frame("ack")
        await asyncio.to_thread(project.manage, "publish", "chat:1", '"from a command"')
        await client.frame("publication", number=2)
        data = [publication["data"] for publication in client.of("publication")]
        assert data == ["from a client", "from a command"]


async def test_a_silent_client_is_closed_by_the_heartbeat(server: Server) -> None:
    async with connected(server, login(server, "ann"), answer=silent) as client:
        assert await client.closed(within=30) == (4002, "heartbeat timeout")


async def test_close_codes_and_reasons_arrive(server: Server, project: HostProject) -> None:
    async with connected(server, login(server, "ann")) as client:
        kick = f"from realtime import api; api.kick({client.id!r}, reason='enough')"
        await asyncio.to_thread(project.shell, kick)
        assert await client.closed() == (4500, "enough")
    async with dialled(server) as client:
        await client.hello()
        assert await client.closed() == (4501, "not authenticated")


async def test_a_foreign_origin_is_refused(server: Server) -> None:
    async with dialled(server, Origin="https://evil.example.com") as client:
        assert (await client.closed())[0] == 4502


def test_probes_answer(server: Server) -> None:
    assert [server.status(f"/realtime/{probe}/") for probe in ("live", "ready")] == [200, 200]


async def test_its_end_leaves_no_session_connected(name: str, project: HostProject) -> None:
    with project.host(*SERVERS[name]) as server:
        cookie = login(server, "bob")
        async with connected(server, cookie) as client:
            server.stop()
            assert (await client.closed(within=30))[0] == ENDS[name]
            assert client.of("goodbye") == []
            assert await asyncio.to_thread(server.exit_code, within=30) == 0
    assert project.state(client.id) == "suspended"
    with project.host(*SERVERS[name]) as following:
        async with connected(following, cookie, resume=client.ticket) as back:
            assert back.welcome["resumed"]
