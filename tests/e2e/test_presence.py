"""Presence on real servers: users and not tabs, no flapping, one end after ``kill -9``."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.polling import eventually_in_thread
from tests.presence_picture import Picture
from tests.redis_server import RedisServer

from .support import Client, Frame, Project, Server, Visitor, connected, login

ROOM = "chat:1"
LEASE = 1.5


class Watcher:
    """A client in the room with its picture of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._picture = Picture()
        self._applied = 0

    @classmethod
    @asynccontextmanager
    async def arrive(cls, server: Server, cookie: str) -> "AsyncIterator[Watcher]":
        async with connected(server, cookie, rooms={ROOM: None}) as client:
            await client.send(type="presence", id=1, room=ROOM)
            await client.frame("presence")
            yield cls(client)

    @property
    def frames(self) -> list[Frame]:
        return self.client.of("presence")

    @property
    def users(self) -> list[str]:
        """The names of those listed, sorted."""
        for frame in self.frames[self._applied :]:
            self._picture.apply(frame)
        self._applied = len(self.frames)
        return sorted(data["name"] for data in (self._picture.users or {}).values())

    async def sees(self, *names: str, sessions: int, within: float = 10) -> None:
        def does() -> bool:
            return self.users == sorted(names) and self.frames[-1]["sessions"] == sessions

        await self.client.until(does, within=within, what=(names, sessions))

    def count(self, field: str) -> int:
        """How many users have joined, or left, in all changes."""
        return sum(len(frame.get(field, ())) for frame in self.frames)


@pytest.fixture(params=["sqlite", "redis"])
def project(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, redis_server: RedisServer
) -> Iterator[Project]:
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.presence_project",
        "SIGNAL_LOG": str(tmp_path / "signals"),
    }
    redis_server.flush()
    if request.param == "redis":
        environ["REDIS_URL"] = redis_server.url
    yield Project.copy(
        template,
        tmp_path,
        environ=environ,
        lease=LEASE,
        flush_interval=0.3,
        resume_window=2.0,
        sweep_interval=0.5,
        allow_anonymous=1,
    )
    redis_server.flush()


@pytest.fixture(params=["daphne", "uvicorn"])
def server(request: pytest.FixtureRequest, project: Project) -> Iterator[Server]:
    with project.serve_cleanly(server=request.param) as server:
        yield server


async def test_a_user_with_two_tabs_comes_once_and_goes_once(server: Server) -> None:
    ann, bob = login(server, "ann"), login(server, "bob")
    async with Watcher.arrive(server, ann) as watcher:
        await watcher.sees("ann", sessions=1)
        async with connected(server, bob, rooms={ROOM: None}) as one:
            await watcher.sees("ann", "bob", sessions=2)
            async with connected(server, bob) as other, connected(server, rooms={ROOM: None}):
                await other.send(type="join", id=1, room=ROOM)
                await watcher.sees("ann", "bob", sessions=4)
                assert (watcher.count("joined"), watcher.count("left")) == (1, 0)
                async with Watcher.arrive(server, bob) as late:
                    await late.sees("ann", "bob", sessions=5)
                    await one.send(type="bye")
                    await watcher.sees("ann", "bob", sessions=4)
                    assert (watcher.count("joined"), watcher.count("left")) == (1, 0)
                    await late.client.send(type="bye")
                await other.send(type="leave", id=2, room=ROOM)
                await watcher.sees("ann", sessions=2)
        assert (watcher.count("joined"), watcher.count("left")) == (1, 1)


async def test_a_suspension_is_no_change(server: Server) -> None:
    ann, bob, cleo = (login(server, name) for name in ("ann", "bob", "cleo"))
    async with (
        Watcher.arrive(server, ann) as watcher,
        connected(server, bob, rooms={ROOM: None}) as lost,
    ):
        await watcher.sees("ann", "bob", sessions=2)
        before = len(watcher.frames)
        await lost.lose()
        async with connected(server, cleo, rooms={ROOM: None}) as third:
            await watcher.sees("ann", "bob", "cleo", sessions=3)
            async with connected(server, bob, resume=lost.ticket, rooms={ROOM: None}) as back:
                assert back.welcome["resumed"]
                await third.send(type="leave", id=1, room=ROOM)
                await watcher.sees("ann", "bob", sessions=2)
                assert len(watcher.frames) == before + 2
                await back.lose()
                await watcher.sees("ann", sessions=1)  # once its window is over
                assert len(watcher.frames) == before + 3


async def test_every_end_is_seen(server: Server, project: Project) -> None:
    ann = login(server, "ann")
    with Visitor(server) as bob:
        cookie = bob.login("bob").cookie
        async with Watcher.arrive(server, ann) as watcher:
            async with connected(server, cookie, rooms={ROOM: None}) as client:
                await watcher.sees("ann", "bob", sessions=2)
                bob.logout()
                assert (await client.closed())[0] == 4503
                await watcher.sees("ann", sessions=1)
            cleo = login(server, "cleo")
            async with connected(server, cleo, rooms={ROOM: None}) as client:
                await watcher.sees("ann", "cleo", sessions=2)
                kick = f"from realtime.api import kick; print(kick({client.id!r}))"
                assert (await asyncio.to_thread(project.shell, kick)).strip() == "True"
                assert (await client.closed())[0] == 4500
                await watcher.sees("ann", sessions=1)
            assert (watcher.count("joined"), watcher.count("left")) == (2, 2)


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_killed_beside_another_worker(project: Project, kind: str) -> None:
    """Two users were at the killed worker: one comes back to the other, one is gone, once."""
    with project.serve(server=kind) as survivor, project.serve(server=kind) as victim:
        ann, bob, cleo = (login(survivor, name) for name in ("ann", "bob", "cleo"))
        async with (
            Watcher.arrive(survivor, ann) as watcher,
            connected(victim, bob, rooms={ROOM: None}) as returns,
            connected(victim, cleo, rooms={ROOM: None}),
        ):
            await watcher.sees("ann", "bob", "cleo", sessions=3)
            victim.kill()
            await returns.closed()
            async with connected(survivor, bob, resume=returns.ticket, rooms={ROOM: None}) as back:
                assert back.welcome["resumed"]
                await watcher.sees("ann", "bob", sessions=2)
                assert (watcher.count("joined"), watcher.count("left")) == (2, 1)
                async with Watcher.arrive(survivor, ann) as late:
                    await late.sees("ann", "bob", sessions=3)
                assert watcher.count("left") == 1
        assert survivor.complaints() == []


@pytest.mark.parametrize("project", ["redis"], indirect=True)
async def test_a_redis_that_was_emptied_is_no_change_but_for_those_who_were_away(
    server: Server, redis_server: RedisServer
) -> None:
    ann, bob, cleo = (login(server, name) for name in ("ann", "bob", "cleo"))
    async with (
        Watcher.arrive(server, ann) as watcher,
        connected(server, bob, rooms={ROOM: None}),
        connected(server, cleo, rooms={ROOM: None}) as lost,
    ):
        await watcher.sees("ann", "bob", "cleo", sessions=3)
        await lost.lose()
        with redis_server.client() as redis:
            await eventually_in_thread(lambda: redis.keys("*:suspended"))
        redis_server.flush()
        await watcher.sees("ann", "bob", sessions=2)
        assert (watcher.count("joined"), watcher.count("left")) == (2, 1)
