"""Servers that are left alone: what they cannot say is made good by lease and resume."""

import asyncio
from pathlib import Path

import pytest

from tests.polling import eventually

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
            eventually(lambda: project.state(client.id) == "suspended", within=2)
        assert server.lines_with("Traceback") == []


@pytest.mark.parametrize("name", SERVERS)
async def test_a_page_of_another_origin_is_told_so(project: Project, name: str) -> None:
    with project.start(*SERVERS[name]) as server:
        async with dialled(server, Origin="https://evil.example") as client:
            goodbye = await client.frame("goodbye")
            assert (goodbye["code"], goodbye["reason"]) == (4502, "origin not allowed")
            assert (await client.closed())[0] == 4502  # plain daphne sends no reason
        assert server.lines_with("Traceback") == []


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
