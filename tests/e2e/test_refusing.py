"""Causes of refusals show in health, in the probe, and in two lines of the log."""

import asyncio
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from realtime.worker.admission.refusals import QUIET
from tests.polling import eventually_in_thread
from tests.postgres_server import PostgresServer, programs
from tests.redis_server import RedisServer

from .postgres_project import PostgresProject
from .redis_support import RedisProject
from .support import Client, Project, Server, connected, crowd, dialled, login

# Longer than a look of the worker at what fails.
RECOVERY = 15.0


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer(folder) as server:
        yield server


def fill(server: RedisServer) -> None:
    """From now on nothing more goes in."""
    limit(server, "1")


def limit(server: RedisServer, size: str) -> None:
    with server.client() as client:
        client.config_set("maxmemory", size)


async def health(server: Server) -> dict[str, Any]:
    answer = await asyncio.to_thread(httpx.get, f"{server.url}/realtime/health/", timeout=10)
    body: dict[str, Any] = answer.json()
    return body


async def status(server: Server) -> str:
    return str((await health(server))["status"])


async def ready(server: Server) -> int:
    return await asyncio.to_thread(server.status, "/realtime/ready/")


async def until(server: Server, expected: str) -> None:
    """Until health says so, although no client comes near."""
    async with asyncio.timeout(RECOVERY):
        while await status(server) != expected:
            await asyncio.sleep(0.1)


async def refused(server: Server, cookie: str) -> int:
    """The code that a newcomer is sent away with."""
    async with dialled(server, cookie) as newcomer:
        await newcomer.hello()
        return (await newcomer.closed())[0]


def said(server: Server, reason: str) -> list[str]:
    """The lines about this reason."""
    return server.lines_with(f"refused, {reason}") + server.lines_with(f"no more, {reason}")


async def told_twice(server: Server, reason: str) -> list[str]:
    """The lines about a reason that began and is over. The second one takes QUIET seconds where
    the trouble ended before an attempt of the worker's own had met it."""
    await eventually_in_thread(
        lambda: len(said(server, reason)) > 1, within=QUIET + RECOVERY, what=server.log
    )
    return said(server, reason)


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_a_full_redis(
    template: Path, tmp_path: Path, own_redis: RedisServer, kind: str
) -> None:
    registry = RedisProject(template, tmp_path, own_redis)
    with registry.project.serve(server=kind) as server:
        cookie = login(server, "ann")
        async with connected(server, cookie) as client:
            assert (await status(server), await ready(server)) == ("ok", 200)
            fill(own_redis)
            assert [await refused(server, cookie) for _ in range(5)] == [4009] * 5
            body = await health(server)
            assert (body["status"], body["refused"]) == ("degraded", {"store": 5})
            assert list(body["failing"]) == ["store"]
            assert await ready(server) == 503
            assert (client.end, client.of("notice")) == (None, [])
            limit(own_redis, "0")
            await until(server, "ok")
            assert await ready(server) == 200
            assert (await health(server))["refused"] == {"store": 5}  # still of the last minute
        begun, over = await told_twice(server, "store")
        assert " ERROR " in begun
        assert "OOM" in begun
        assert "5 " in over


def configured(server: RedisServer, **options: str) -> None:
    with server.client() as client:
        for name, value in options.items():
            client.config_set(name.replace("_", "-"), value)


def without_replicas(server: RedisServer) -> None:
    configured(server, min_replicas_to_write="1")


def with_replicas(server: RedisServer) -> None:
    configured(server, min_replicas_to_write="0")


def demoted(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)  # nothing listens there


def promoted(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("NO", "ONE")


class Trouble(NamedTuple):
    """A way to make a Redis refuse writes, the way back, and Redis's own name for it."""

    begin: Callable[[RedisServer], None]
    end: Callable[[RedisServer], None]
    name: str


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(without_replicas, with_replicas, "NOREPLICAS"),
        Trouble(demoted, promoted, "READONLY"),
    ],
    ids=lambda trouble: trouble.name,
)
async def test_a_redis_that_takes_no_writes(
    template: Path, tmp_path: Path, own_redis: RedisServer, trouble: Trouble
) -> None:
    registry = RedisProject(template, tmp_path, own_redis)
    with registry.project.serve() as server:
        cookie = login(server, "ann")
        trouble.begin(own_redis)
        await until(server, "degraded")
        assert await ready(server) == 503
        assert await refused(server, cookie) == 4009
        body = await health(server)
        assert body["refused"] == {"store": 1}
        assert list(body["failing"]) == ["store"]
        trouble.end(own_redis)
        await until(server, "ok")
        assert await ready(server) == 200
        async with connected(server, cookie):
            pass
        assert trouble.name in "\n".join(server.log)


async def test_a_full_redis_is_noticed_before_anybody_comes(
    template: Path, tmp_path: Path, own_redis: RedisServer
) -> None:
    registry = RedisProject(template, tmp_path, own_redis)
    with registry.project.serve() as server:
        fill(own_redis)
        await until(server, "degraded")
        assert await ready(server) == 503
        limit(own_redis, "0")
        await until(server, "ok")
        assert len(await told_twice(server, "store")) == 2


async def test_a_login_database_that_is_away_beside_a_redis_that_is_well(
    tmp_path: Path, redis_server: RedisServer, own_postgres: PostgresServer
) -> None:
    redis_server.flush()
    project = PostgresProject.new(
        own_postgres.create("project"),
        environ={"REDIS_URL": redis_server.url},
        store_timeout=1.0,
        flush_interval=0.3,
    )
    with project.serve() as server:
        cookie = login(server, "ann")
        async with crowd(server, cookie, 3) as clients:
            await asyncio.to_thread(own_postgres.stop)
            codes = await asyncio.gather(*(refused(server, cookie) for _ in range(24)))
            assert codes == [4009] * 24
            body = await health(server)
            assert (body["status"], body["refused"]) == ("degraded", {"login_store": 24})
            assert list(body["failing"]) == ["login_store"]
            assert await ready(server) == 200  # or every worker would be taken out of the balance
            await asyncio.to_thread(own_postgres.start)
            await until(server, "ok")
            assert [client.end for client in clients] == [None] * 3
        async with connected(server, cookie):
            pass
        begun, over = await told_twice(server, "login_store")
        assert "connection" in begun
        assert "24 " in over


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_too_few_file_descriptors(template: Path, tmp_path: Path, kind: str) -> None:
    with Project.copy(template, tmp_path).serve(server=kind) as server:
        assert await status(server) == "ok"
        pid = server.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, before[1]))
        assert await ready(server) == 503
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        body = await health(server)
        assert (body["status"], body["refused"]) == ("degraded", {"capacity": 1})
        assert list(body["failing"]) == ["capacity"]
        assert "file descriptors" in said(server, "capacity")[0]
        await until(server, "ok")


async def test_what_clients_do_wrong_counts_and_degrades_nothing(
    template: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    redis_server.flush()
    registry = RedisProject(
        template, tmp_path, redis_server, hello_timeout=0.5, max_sessions_per_user=1
    )
    with registry.project.serve() as server:
        cookie = login(server, "ann")
        async with dialled(server, Origin="https://evil.example") as foreign:
            assert (await foreign.closed())[0] == 4502
        async with dialled(server) as anonymous:
            await anonymous.hello()
            assert (await anonymous.closed())[0] == 4501
        async with dialled(server, cookie) as silent:
            assert (await silent.closed())[0] == 4005
        async with dialled(server, cookie) as strange:
            await strange.send(type="hello", protocol=7)
            assert (await strange.closed())[0] == 4505
        async with connected(server, cookie), dialled(server, cookie) as second:
            await second.hello()
            assert (await second.closed())[0] == 4504
        body = await health(server)
        counted = {"origin": 1, "unauthenticated": 1, "no_hello": 1, "protocol": 1, "limit": 1}
        assert (body["status"], body["refused"], body["failing"]) == ("ok", counted, {})
        for reason in counted:
            assert len(said(server, reason)) == 1, server.log
        assert "https://evil.example" in said(server, "origin")[0]


def lines_of(server: Server, client: Client) -> list[str]:
    """The log lines about a session."""
    return server.lines_with(client.id[:8])


async def test_each_session_has_its_lines_and_no_name_forges_one(
    template: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    redis_server.flush()
    registry = RedisProject(template, tmp_path, redis_server, resume_window=1.0, log_ttl=5.0)
    registry.project.shell(
        "from django.contrib.auth.models import User\n"
        "User.objects.filter(username='ann').update(username='ann\\nERROR forged: ann')"
    )
    with registry.project.serve() as server:
        cookie = login(server, "ann\nERROR forged: ann")
        async with connected(server, cookie) as client:
            await client.lose()
        async with connected(server, cookie, resume=client.ticket) as again:
            await again.lose()
        await eventually_in_thread(lambda: len(lines_of(server, client)) == 5, what=server.log)
        opened, suspended, resumed, _, swept = lines_of(server, client)
        assert "opened" in opened
        assert "suspended: 1006" in suspended
        assert "resumed" in resumed
        assert "swept: 1006" in swept
        assert not [line for line in server.log if line.startswith("ERROR")]
        assert client.id not in "".join(server.log)
