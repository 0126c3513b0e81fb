"""``MAX_SESSIONS_PER_USER`` over several servers: who is refused, and who has to go."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.polling import TIMEOUT, eventually_in_thread

from .support import Client, Frame, Project, Server, connected, dialled, login

LEASE, FLUSH, LIMIT = 4.0, 1.0, 2
GONE = {"type": "goodbye", "code": 4504, "reason": "too many sessions", "reconnect": False}
TOO_MANY = (4504, "too many sessions")


class Servers(NamedTuple):
    """All on one database: two that refuse, and one that lets the newest win."""

    project: Project
    one: Server
    other: Server
    lenient: Server


@pytest.fixture(scope="module")
def servers(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    project = Project.copy(
        template,
        tmp_path_factory.mktemp("limit"),
        max_sessions_per_user=LIMIT,
        lease=LEASE,
        flush_interval=FLUSH,
        sweep_interval=0.5,
    )
    # Begun together: they come up side by side.
    one, other, lenient = (
        project.serve(session_limit=word) for word in ("reject", "reject", "oldest")
    )
    with one, other, lenient:
        yield Servers(project, one, other, lenient)
        for server in (one, other, lenient):
            assert server.complaints() == []


@asynccontextmanager
async def asking(server: Server, cookie: str) -> AsyncIterator[Client]:
    """A client that has said hello and been answered, one way or the other."""
    async with dialled(server, cookie) as client:
        await client.hello()
        await client.until(lambda: bool(client.frames), within=TIMEOUT, what="an answer")
        yield client


async def turned_away(server: Server, cookie: str) -> Frame:
    """The goodbye of a client beyond the limit."""
    async with asking(server, cookie) as client:
        assert await client.closed() == TOO_MANY
        (goodbye,) = client.frames
        return goodbye


async def test_a_session_beyond_the_limit_is_refused(servers: Servers) -> None:
    project, one, other, _ = servers
    cookie = login(one, "ann")
    async with connected(one, cookie) as first, connected(other, cookie) as second:
        for server in (one, other):
            assert await turned_away(server, cookie) == GONE
        async with connected(other, cookie, resume=first.ticket) as back:
            assert (back.id, back.welcome["resumed"]) == (first.id, True)
            await second.lose()
            async with connected(one, cookie, resume=second.ticket) as again:
                assert again.welcome["resumed"]
                assert await turned_away(one, cookie) == GONE
                # A refused session is nowhere, and never was.
                assert {row["id"] for row in project.sessions()} == {first.id, second.id}
                assert project.sessions("--history") == []


async def test_of_many_who_come_at_once_as_many_as_may_come_in(servers: Servers) -> None:
    project, one, other, _ = servers
    cookie = login(one, "bob")
    done = asyncio.Event()

    async def attempt(server: Server) -> bool:
        async with asking(server, cookie) as client:
            if welcome := bool(client.of("welcome")):
                await done.wait()
            return welcome

    attempts = [asyncio.create_task(attempt(server)) for server in (one, other) * 10]
    async with asyncio.timeout(TIMEOUT):
        while sum(task.done() for task in attempts) < len(attempts) - LIMIT:
            await asyncio.sleep(0.01)
    admitted = project.rows("SELECT count(*) AS n FROM realtime_livesession WHERE username = 'bob'")
    assert admitted[0]["n"] == LIMIT
    done.set()
    assert sum(await asyncio.gather(*attempts)) == LIMIT


async def test_the_oldest_goes_within_two_flushes(servers: Servers) -> None:
    project, one, _, lenient = servers
    cookie = login(one, "cleo")
    async with (
        connected(one, cookie) as first,
        connected(lenient, cookie) as second,
        connected(lenient, cookie) as third,
    ):
        welcomed = time.monotonic()
        assert await first.closed() == TOO_MANY
        assert first.ended_at - welcomed < 2 * FLUSH
        assert first.of("goodbye") == [GONE]
        assert (second.end, third.end) == (None, None)
        assert project.history(first.id)["code"] == 4504
        states = {client.id: project.state(client.id) for client in (second, third)}
        assert set(states.values()) == {"connected"}


async def test_who_gave_way_while_away_does_not_drive_the_others_out(servers: Servers) -> None:
    """Or they would drive each other out for ever."""
    project, one, _, lenient = servers
    cookie = login(one, "admin")
    async with connected(one, cookie) as first:
        await first.lose()
    async with connected(lenient, cookie) as second, connected(lenient, cookie) as third:
        async with dialled(lenient, cookie) as back:
            await back.hello(first.ticket)
            assert await back.closed() == TOO_MANY
            assert back.frames == [GONE]
        assert (second.end, third.end) == (None, None)
        await eventually_in_thread(lambda: project.state(first.id) == "closed")
        async with dialled(lenient, cookie) as back:
            await back.hello(first.ticket)
            assert await back.closed() == TOO_MANY
        assert (second.end, third.end) == (None, None)


async def test_dead_sessions_count_no_longer_than_their_lease(servers: Servers) -> None:
    project, one, *_ = servers
    cookie = login(one, "dan")
    with project.serve() as victim:
        async with connected(victim, cookie), connected(victim, cookie):
            assert await turned_away(one, cookie) == GONE
            victim.kill()
            killed = time.monotonic()
    admitted = False
    while not admitted:
        async with asking(one, cookie) as client:
            admitted = bool(client.of("welcome"))
        assert time.monotonic() - killed < LEASE + 2
