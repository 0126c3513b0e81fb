"""Wall clocks that are wrong, and set right. Those of workers decide nothing; that of the store may
be ahead, or be set while clients stay connected."""

import asyncio
import copy
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer
from tests.wall_clock import HOUR, WallClock

from .redis_support import RedisProject
from .support import ANSWERING, Project, Server, crowd, login


def an_hour_ahead(project: Project) -> Project:
    """The same project on a machine whose wall clock is wrong; its monotonic one is not."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    ahead = copy.copy(project)
    ahead.env = {
        **project.env,
        "LD_PRELOAD": str(library),
        "FAKETIME": "+1h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return ahead


async def test_an_hour_apart(template: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.flush()
    registry = RedisProject(template, tmp_path, redis_server, ping_interval=1.0)
    with an_hour_ahead(registry.project).serve() as ahead, registry.project.serve() as right:
        cookie = login(right, "ann")
        async with crowd(ahead, cookie, 5) as lost, crowd(right, cookie, 5) as neighbours:
            clients = [*lost, *neighbours]
            skew = lost[0].welcome["server_time"] - neighbours[0].welcome["server_time"]
            assert abs(skew / 1000 - HOUR) < 60  # or it would show nothing
            await eventually_in_thread(
                lambda: min(len(client.of("ping")) for client in clients) > 3
            )
            assert registry.holds(clients)  # several leases later
            assert all(abs(s.last_beat / 1000 - time.time()) < 60 for s in registry.sessions())
            ahead.kill()
            await eventually_in_thread(
                lambda: registry.states() == {"connected": 5, "suspended": 5}, within=6
            )
            tickets = [client.ticket for client in lost[:2]]
            async with crowd(right, cookie, 0, tickets) as back:
                assert all(client.welcome["resumed"] for client in back)
                gone = Counter(client.id for client in lost[2:])
                await eventually_in_thread(lambda: registry.rows() == gone)
                for client in lost[2:]:
                    assert 0 < registry.project.history(client.id)["duration"] < 60
        assert registry.signals("closed") == gone
        assert right.complaints() == []


def counts(server: Server) -> dict[str, Any]:
    """The counts of the health page."""
    body: dict[str, Any] = httpx.get(f"{server.url}/realtime/health/", timeout=ANSWERING).json()
    names = ("total_connections", "healthy", "suspended", "workers")
    return {name: body[name] for name in names}


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    """The clock of the store, and with SQLite of all processes."""
    return WallClock(tmp_path / "clock")


@pytest.fixture(params=["database", "redis"])
def project(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, clock: WallClock
) -> Iterator[Project]:
    """One whose store reads that clock."""
    with ExitStack() as stack:
        if request.param == "redis":
            redis = stack.enter_context(RedisServer(env=clock.env))
            yield RedisProject(template, tmp_path, redis).project
        else:
            short = {"lease": 2.0, "resume_window": 4.0, "claim_timeout": 3.0}
            often = {"flush_interval": 0.3, "sweep_interval": 0.5}
            yield Project.copy(template, tmp_path, environ=clock.env, **short, **often)


async def test_what_a_clock_that_was_ahead_has_left_is_over(
    project: Project, clock: WallClock
) -> None:
    clock.set(2 * HOUR)
    with project.serve() as server:
        async with crowd(server, login(server, "ann"), 3) as clients:
            await clients[0].lose()
            there = {"total_connections": 2, "healthy": 2, "suspended": 1, "workers": 1}
            await eventually_in_thread(lambda: counts(server) == there)
            server.kill()
    clock.set(0)
    with project.serve() as server:
        alone = {"total_connections": 0, "healthy": 0, "suspended": 0, "workers": 1}
        await eventually_in_thread(lambda: counts(server) == alone)
        async with crowd(server, login(server, "ann"), 1) as clients:
            await eventually_in_thread(lambda: counts(server)["healthy"] == 1)
            session = await asyncio.to_thread(project.session, clients[0].id)
            assert session["uptime_seconds"] < HOUR


async def test_who_is_connected_stays_while_the_clock_of_redis_is_set(
    template: Path, tmp_path: Path, clock: WallClock
) -> None:
    with RedisServer(env=clock.env) as redis:
        registry = RedisProject(template, tmp_path, redis, ping_interval=0.5)
        with registry.project.serve() as one, registry.project.serve() as other:
            cookie = login(one, "ann")
            async with crowd(one, cookie, 3) as here, crowd(other, cookie, 3) as there:
                clients = [*here, *there]
                for number, ahead in enumerate((2 * HOUR, 0, -2 * HOUR, 0), start=1):
                    clock.set(ahead)
                    await eventually_in_thread(partial(noticed, [one, other], number))
                    await eventually_in_thread(lambda: registry.holds(clients))
                    await eventually_in_thread(partial(in_the_past, registry, ahead))
                assert all(s.opened_at <= s.last_beat for s in registry.sessions())
                assert counts(one)["workers"] == 2
                assert registry.signals("suspended") == Counter()


def noticed(servers: list[Server], times: int) -> bool:
    """Whether each has said so often that the store's clock was set."""
    said = [len(server.lines_with("the store's clock has gone")) for server in servers]
    return said == [times] * len(servers)


def in_the_past(registry: RedisProject, ahead: int) -> bool:
    """Whether no session has a beat after now, by a clock that is so many seconds ahead."""
    latest = (time.time() + ahead + 1) * 1000
    return all(session.last_beat < latest for session in registry.sessions())
