"""The store is away for longer than a lease: all clients stay, get a notice, and lose nothing."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.polling import eventually_in_thread

from .support import Client, Project, Server, connected, crowd, dialled, login

# More than a lease, and time for every job of a worker to fail more than once.
AWAY = 4.0

QUICK: dict[str, Any] = {
    "ping_interval": 1,
    "pong_timeout": 1,
    "session_timeout": 30,
    "store_timeout": 1.0,
    "flush_interval": 0.2,
    "lease": 2,
    "sweep_interval": 0.4,
    "revalidate_interval": 0.4,
}


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.project_settings",
        "SIGNAL_LOG": str(tmp_path / "signals"),
    }
    return Project.copy(template, tmp_path, environ=environ, **QUICK)


@asynccontextmanager
async def outage(project: Project) -> AsyncIterator[None]:
    """Lock the database against all other writers, for AWAY seconds at least."""
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        until = time.monotonic() + AWAY
        yield
        await eventually_in_thread(lambda: time.monotonic() > until)
        connection.execute("ROLLBACK")


def health(server: Server) -> str:
    """The status that health tells, within its two seconds."""
    began = time.monotonic()
    body = httpx.get(f"{server.url}/realtime/health/", timeout=10).json()
    assert time.monotonic() - began < 2
    return str(body["status"])


def alarms(server: Server) -> list[str]:
    """The messages at WARNING and above; what has no level is a part of a traceback."""
    lines = [line for line in tuple(server.log) if " INFO " not in line]
    return [line.partition("realtime.worker: ")[2] or line for line in lines]


def signals(project: Project) -> list[str]:
    """The names of all signals so far, from both processes."""
    return Path(project.env["SIGNAL_LOG"]).read_text().split()[::3]


def notices(client: Client) -> list[str]:
    return [frame["state"] for frame in client.of("notice")]


async def refused(server: Server, cookie: str) -> int:
    """The code that a newcomer is sent away with."""
    async with dialled(server, cookie) as newcomer:
        await newcomer.hello()
        return (await newcomer.closed())[0]


async def test_everybody_stays_is_told_and_heard_of_afterwards(project: Project) -> None:
    with project.serve() as server:
        cookie = login(server, "ann")
        async with crowd(server, cookie, 5) as clients:
            before = len(alarms(server))
            leaves, breaks, *stay = clients
            async with outage(project):
                for client in clients:
                    await client.frame("notice")
                assert health(server) == "degraded"
                assert server.status("/realtime/ready/") == 503
                assert await refused(server, cookie) == 4009
                await leaves.send(type="bye")
                assert (await leaves.closed())[0] == 1000
                await breaks.lose()
                for client in stay:
                    await client.frame("ping", number=len(client.of("ping")) + 1)
            for client in stay:
                await client.frame("notice", number=2)
                assert (notices(client), client.end) == (["degraded", "ok"], None)
            assert project.history(leaves.id)["code"] == 1000
            await eventually_in_thread(lambda: project.state(breaks.id) == "suspended")
            assert project.count("connected") == 3
            assert health(server) == "ok"
            async with connected(server, cookie, resume=breaks.ticket) as back:
                assert back.welcome["resumed"]
        away, back_again = alarms(server)[before:]
        assert away.startswith("the store is unreachable: ")
        assert back_again.startswith("the store is back after ")


async def test_of_two_workers_neither_declares_the_other_dead(project: Project) -> None:
    with project.serve() as first, project.serve() as second:
        cookie = login(first, "ann")
        async with crowd(first, cookie, 3) as here, crowd(second, cookie, 3) as there:
            async with outage(project):
                for client in [*here, *there]:
                    await client.frame("notice")
            for client in [*here, *there]:
                await client.frame("notice", number=2)
                assert client.end is None
            # Each beats for itself; the first leaves the other the time to do so.
            states = {project.state(client.id) for client in [*here, *there]}
            assert states == {"connected"}
            assert [len(server.lines_with("the store is")) for server in (first, second)] == [2, 2]
            assert signals(project) == ["opened"] * 6
