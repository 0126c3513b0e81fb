"""Servers that are left alone: what they cannot say is made good by lease and resume."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from uvicorn import Config

from tests.polling import eventually

from .server_support import BINARY, Peer
from .support import Project, Server, connected, crowd, dialled, login

SIZE = 5

SERVERS = {
    "daphne": ("daphne", "-p", "0", "project.asgi:application"),
    "uvicorn": ("uvicorn", "--port", "0", "project.asgi:application"),
    "runserver": ("manage.py", "runserver", "--noreload", "127.0.0.1:0"),
}

# How clients see the end: plain daphne leaves without a word.
ENDS = {"daphne": 1006, "uvicorn": 1012, "runserver": 1006}


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project.copy(
        template, tmp_path, ping_interval=0.5, lease=1.5, flush_interval=0.3, sweep_interval=0
    )


@pytest.mark.parametrize("name", SERVERS)
async def test_connect_beat_restart_resume(project: Project, name: str) -> None:
    with project.start(*SERVERS[name]) as server:
        cookie = login(server, "ann")
        async with crowd(server, cookie, SIZE) as clients:
            for client in clients:
                await client.frame("ping", number=2)
            assert project.count("connected") == SIZE
            assert server.status("/realtime/ready/") == 200
            await stop(server)
            for client in clients:
                assert (await client.closed())[0] == ENDS[name]
    with project.start(*SERVERS[name]) as following:
        tickets = [client.ticket for client in clients]
        async with crowd(following, cookie, SIZE, tickets) as returned:
            assert all(client.welcome["resumed"] for client in returned)
            await returned[0].frame("ping", number=2)
            assert project.count("connected") == SIZE
            await stop(following)
    no_ghosts(project)


@pytest.mark.parametrize("name", SERVERS)
async def test_a_broken_line_is_noticed_at_once(project: Project, name: str) -> None:
    with project.start(*SERVERS[name]) as server:
        async with connected(server, login(server, "ann")) as client:
            await client.lose()
            eventually(lambda: project.state(client.id) == "suspended")
        assert server.lines_with("Traceback") == []


@pytest.mark.parametrize("name", SERVERS)
async def test_a_page_of_another_origin_is_told_so(project: Project, name: str) -> None:
    with project.start(*SERVERS[name]) as server:
        async with dialled(server, Origin="https://evil.example") as client:
            goodbye = await client.frame("goodbye")
            assert (goodbye["code"], goodbye["reason"]) == (4502, "origin not allowed")
            assert (await client.closed())[0] == 4502  # plain daphne sends no reason
        assert server.lines_with("Traceback") == []


def test_uvicorn_gives_a_handshake_with_a_long_line_no_answer(project: Project) -> None:
    line = f"Cookie: theme={'x' * 10_000}"
    with project.start(*SERVERS["uvicorn"]) as server, Peer(server.port) as peer:
        peer.ask_upgrade("/ws/", line)
        eventually(lambda: server.lines_with("431 Request Header Fields Too Large"))
        peer.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            peer.status()
    project.env["WEBSOCKETS_MAX_LINE_LENGTH"] = "16384"
    with project.start(*SERVERS["uvicorn"]) as server, Peer(server.port) as peer:
        peer.upgrade("/ws/", line)


PINGS = ("--ws-ping-interval", "0.5", "--ws-ping-timeout", "0.5")


def test_uvicorn_closes_a_client_that_answers_no_ping_frame(project: Project) -> None:
    usual = Config("an.application:unused")
    assert (usual.ws_ping_interval, usual.ws_ping_timeout) == (20, 20)
    with project.start(*SERVERS["uvicorn"], *PINGS) as server, Peer(server.port) as peer:
        peer.upgrade("/ws/")
        assert peer.closed_with() == (1011, "keepalive ping timeout")


ECHO = ("uvicorn", "--port", "0", *PINGS, "--log-level", "trace", "tests.e2e.echo_app:application")


def test_uvicorn_waits_for_a_client_that_leaves_data_unread(project: Project) -> None:
    """Neither its pings nor its end close such a connection."""
    with project.start(*ECHO) as server:
        with Peer(server.port, receive_buffer=4096) as peer:
            fill(peer.upgrade())
            eventually(lambda: server.lines_with("keepalive ping timeout"))
            server.stop()
            eventually(lambda: server.lines_with("Waiting for connections to close"))
            assert not peer.gone()
        server.exit_code()


def test_uvicorn_can_limit_how_long_its_end_waits(project: Project) -> None:
    with (
        project.start(*ECHO, "--timeout-graceful-shutdown", "1") as server,
        Peer(server.port, receive_buffer=4096) as peer,
    ):
        fill(peer.upgrade())
        server.stop()
        server.exit_code()


def fill(peer: Peer) -> None:
    """Ask for more echoes than there is room for, and read none."""
    peer.socket.settimeout(2)  # a busy machine may let the server stand still for less
    with suppress(TimeoutError):
        while True:
            peer.frame(BINARY, bytes(65_000))


async def stop(server: Server) -> None:
    server.stop()
    await asyncio.to_thread(server.exit_code)


def no_ghosts(project: Project) -> None:
    """Once the leases have ended, one sweep leaves no session connected."""

    def swept() -> bool:
        project.sweep()
        return project.count("connected") == 0

    eventually(swept)
    assert project.count("suspended") == SIZE
