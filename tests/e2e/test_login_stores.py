"""Logins that cannot be read now, and rotated keys: no client is sent away for good."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .support import ANSWERING, NO_TLS, Client, Project, Server, Visitor, connected, dialled

LOOK = 0.5  # REVALIDATE_INTERVAL
QUICK = {"ping_interval": 1, "pong_timeout": 1}  # a takeover is noticed by the next heartbeat
OLD, NEW = "the key of before", "the key of afterwards"


def project_with(template: Path, folder: Path, **environ: str) -> Project:
    settings = {"DJANGO_SETTINGS_MODULE": "tests.e2e.logins_project", **environ}
    return Project.copy(template, folder, environ=settings, revalidate_interval=LOOK, **QUICK)


@pytest.fixture
def sessions_cache() -> Iterator[RedisServer]:
    with RedisServer(snapshots=True) as server:
        yield server


async def code_of(server: Server, cookie: str) -> int:
    """The close code of a refused client."""
    async with dialled(server, cookie) as client:
        await client.hello()
        return (await client.closed())[0]


def status(server: Server) -> str:
    """The health page."""
    answer = httpx.get(f"{server.url}/realtime/health/", timeout=ANSWERING, verify=NO_TLS)
    return str(answer.json()["status"])


async def answers(client: Client, sequence: int) -> None:
    await client.send(type="ping", sequence=sequence)
    await client.frame("pong", number=sequence)
    assert client.end is None


async def test_a_session_cache_that_is_away_ends_nothing_for_good(
    template: Path, tmp_path: Path, sessions_cache: RedisServer
) -> None:
    engine = "django.contrib.sessions.backends.cache"
    environ = {"SESSION_ENGINE": engine, "CACHE_URL": sessions_cache.url}
    project = project_with(template, tmp_path, **environ)
    with project.serve() as server, Visitor(server) as visitor:
        visitor.login("ann")
        async with connected(server, visitor.cookie) as client:
            sessions_cache.stop()
            assert await code_of(server, visitor.cookie) == 4009
            assert await code_of(server, "sessionid=" + "a" * 32) == 4009
            await eventually_in_thread(lambda: status(server) == "degraded")
            await answers(client, 1)
            sessions_cache.start()
            await eventually_in_thread(
                lambda: status(server) == "ok", within=15
            )  # though no client comes near
            async with connected(server, visitor.cookie) as another:
                assert another.welcome["user"] == client.welcome["user"]
            assert await code_of(server, "sessionid=" + "a" * 32) == 4501
            await answers(client, 2)
            visitor.logout()
            assert (await client.closed())[0] == 4503


@pytest.mark.parametrize("engine", ["db", "signed_cookies", "cache"])
async def test_a_rolling_restart_with_a_new_key(
    template: Path, tmp_path: Path, sessions_cache: RedisServer, engine: str
) -> None:
    """In one step, although two are right: a client of the wrong worker comes again."""
    project = project_with(
        template,
        tmp_path,
        SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}",
        CACHE_URL=sessions_cache.url,
        SECRET_KEY=OLD,
    )
    with project.serve() as old, Visitor(old) as visitor:
        visitor.login("ann")
        async with connected(old, visitor.cookie) as before:
            project.env |= {"SECRET_KEY": NEW, "FALLBACKS": OLD}
            with project.serve() as new, Visitor(new) as newcomer:
                newcomer.login("bob")
                async with connected(new, newcomer.cookie), connected(new, visitor.cookie):
                    assert await code_of(old, newcomer.cookie) == 4009
                moved = Visitor(new)
                moved.http.cookies.update(visitor.http.cookies)
                moved.http.get("/")  # Django gives the session a new key, and signs it anew
                async with connected(new, moved.cookie, resume=before.ticket) as back:
                    assert back.welcome["resumed"] is True
                assert (await before.closed())[0] in (4008, 4506)  # or had been called back
                assert await code_of(old, moved.cookie) == 4009
                moved.http.close()
            assert old.complaints() == []


@pytest.mark.parametrize("store", ["database", "redis"])
async def test_who_is_on_the_way_in_hears_of_a_logout(
    template: Path, tmp_path: Path, sessions_cache: RedisServer, store: str
) -> None:
    """Through another worker, while the application says who may join: no session is there yet,
    and the next look at the logins is an hour away."""
    project = Project.copy(
        template,
        tmp_path,
        environ={"DJANGO_SETTINGS_MODULE": "tests.e2e.rooms_project"},
        revalidate_interval=3600,
        store=sessions_cache.url if store == "redis" else "database",
    )
    with project.serve() as one, project.serve() as other, Visitor(other) as visitor:
        visitor.login("ann")
        async with dialled(one, visitor.cookie) as client:
            await client.send(type="hello", protocol=1, rooms={"chat:slow": None})
            await asyncio.to_thread(visitor.logout)
            assert (await client.closed())[0] in (4503, 4501)  # 4501 on a machine that is busy
            assert client.of("welcome") == []


@pytest.mark.parametrize("keys", [(OLD, NEW), (NEW, OLD)])
async def test_no_client_notices_a_rotation_in_two_steps(
    template: Path, tmp_path: Path, keys: tuple[str, str]
) -> None:
    """First every worker accepts the new key, then they sign with it."""
    project = project_with(template, tmp_path, SECRET_KEY=keys[0], FALLBACKS=keys[1])
    with project.serve() as one, Visitor(one) as visitor:
        visitor.login("ann")
        project.env |= {"SECRET_KEY": keys[1], "FALLBACKS": keys[0]}
        with project.serve() as other:
            async with connected(one, visitor.cookie), connected(other, visitor.cookie) as client:
                await answers(client, 1)
