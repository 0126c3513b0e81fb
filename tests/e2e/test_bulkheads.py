"""Receivers that hang, slow rights and a database that stops hurt neither sessions nor beats."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.faults import Proxy
from tests.polling import eventually_in_thread
from tests.postgres_server import PostgresServer

from .postgres_project import PostgresProject
from .support import NO_TLS, Client, Frame, Server, connected, dialled, login, pong

pytestmark = pytest.mark.alone

INTERVAL, LATE, AWAY = 1.0, 0.5, 10.0

SETTINGS: dict[str, Any] = {
    "ping_interval": INTERVAL,
    "pong_timeout": 1,
    "flush_interval": 0.3,
    "store_timeout": 1.0,
    "lease": 3,
    "sweep_interval": 0.5,
    "resume_window": 60,
    "revalidate_interval": 1,
}


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[Proxy]:
    with Proxy(postgres_server.port) as proxy:
        yield proxy


@pytest.fixture(params=["redis", "database"])
def project(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, proxy: Proxy
) -> PostgresProject:
    """On a PostgreSQL behind a proxy, its sessions there or in Redis."""
    url = postgres_server.create(f"bulkheads_{request.param}")
    project = PostgresProject.new(url, **SETTINGS)
    project.env["DJANGO_SETTINGS_MODULE"] = "tests.e2e.bulkheads_project"
    project.env["DATABASE_URL"] = url.replace(f":{postgres_server.port}", f":{proxy.port}")
    if request.param == "redis":
        redis_server = request.getfixturevalue("redis_server")
        redis_server.flush()
        project.env["REDIS_URL"] = redis_server.url
    return project


class Watched:
    """When a client heard each ping."""

    def __init__(self) -> None:
        self.heard: list[float] = []

    def answer(self, ping: Frame) -> Frame:
        self.heard.append(time.monotonic())
        return pong(ping)

    @property
    def latest(self) -> float:
        """By how much a ping was late, at worst."""
        self.heard.append(time.monotonic())  # one that has not come yet may be late, too
        return max(after - before for before, after in pairwise(self.heard)) - INTERVAL


@asynccontextmanager
async def people(servers: list[Server], cookie: str) -> AsyncIterator[list[tuple[Client, Watched]]]:
    """Four at each server: as many as it has threads for receivers."""
    async with AsyncExitStack() as stack:
        present = []
        for server in servers * 4:
            watched = Watched()
            client = connected(server, cookie, answer=watched.answer)
            present.append((await stack.enter_async_context(client), watched))
        yield present


async def comes(server: Server, cookie: str) -> str:
    """The answer to a new client that names a room."""
    async with dialled(server, cookie) as client:
        await client.send(type="hello", protocol=1, rooms={"chat:1": None})
        return str((await client.frame("welcome", within=9))["type"])


class Readiness:
    """The answers of the servers' probes, asked again and again."""

    def __init__(self, servers: list[Server]) -> None:
        self._urls = [f"{server.url}/realtime/ready/" for server in servers]
        self.answers: list[int] = []
        self._task = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        async with httpx.AsyncClient(timeout=5, verify=NO_TLS) as http:
            while True:
                for url in self._urls:
                    self.answers.append((await http.get(url)).status_code)
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


def health(server: Server) -> dict[str, Any]:
    body: dict[str, Any] = httpx.get(f"{server.url}/realtime/health/", timeout=5).json()
    return body


async def test_what_is_slow_hurts_nothing_else(project: PostgresProject, proxy: Proxy) -> None:
    store_is_well = "REDIS_URL" in project.env
    with project.serve() as daphne, project.serve(server="uvicorn") as uvicorn:
        servers = [daphne, uvicorn]
        cookie = await asyncio.to_thread(login, daphne, "ann")
        async with people(servers, cookie) as present:
            readiness = Readiness(servers)
            newcomers = [comes(server, cookie) for server in servers for _ in range(10)]
            assert await asyncio.gather(*newcomers) == ["welcome"] * 20
            if not store_is_well:  # else it is to be ready while the database is away, too
                await readiness.stop()
            proxy.stall()
            ends = time.monotonic() + AWAY
            await eventually_in_thread(lambda: time.monotonic() > ends, within=2 * AWAY)
            proxy.heal()
            if store_is_well:
                await readiness.stop()
            assert len(readiness.answers) > 20
            assert set(readiness.answers) == {200}
            await eventually_in_thread(lambda: health(daphne)["total_connections"] == len(present))
            now = await asyncio.to_thread(health, uvicorn)
            assert (now["healthy"], now["workers"], now["status"]) == (8, 2, "ok")
            assert [client.end for client, _ in present] == [None] * 8
            assert max(watched.latest for _, watched in present) < LATE
        for server in servers:
            assert server.lines_with("stood still") == []
