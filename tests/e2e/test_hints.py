"""Two workers and a channel layer on a real Redis: closes and take-overs need no flush.

The servers of most tests flush so rarely that only a hint explains what they see.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from realtime.bus.hints import workers_group_name
from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import PREFIX
from .support import Project, Server, Visitor, connected, crowd, login

# On a machine that is busy with other tests; without a hint it would be thirty seconds.
AT_ONCE = 3.0

KICK = """
import time
from realtime import api
for session in {sessions}:
    print(time.monotonic())
    api.kick(session)
    time.sleep(0.4)
"""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(
    template: Path, tmp_path_factory: pytest.TempPathFactory, redis: RedisServer
) -> Project:
    """Sessions in a database file, hints through Redis."""
    environ = {"REDIS_URL": redis.url, "REALTIME_STORE": "database"}
    return Project.copy(
        template, tmp_path_factory.mktemp("hints"), environ=environ, ping_interval=1
    )


@contextmanager
def two_servers(
    project: Project, *, flush_interval: float, lease: float
) -> Iterator[tuple[Server, Server]]:
    """Two that start at the same time; both are ended, also if one does not come up."""
    with ExitStack() as stack:
        here = stack.push(project.serve(flush_interval=flush_interval, lease=lease))
        there = stack.push(project.serve(flush_interval=flush_interval, lease=lease))
        for server in (here, there):
            assert server.port
        yield here, there


@pytest.fixture(scope="module")
def pair(project: Project) -> Iterator[tuple[Server, Server]]:
    with two_servers(project, flush_interval=30, lease=120) as pair:
        yield pair


async def test_a_session_continued_elsewhere_ends_at_once(pair: tuple[Server, Server]) -> None:
    here, there = pair
    cookie = login(here, "ann")
    async with connected(here, cookie) as old, connected(there, cookie, resume=old.ticket) as new:
        assert new.welcome["resumed"] is True
        assert await old.closed(within=AT_ONCE) == (4506, "session continued elsewhere")
        assert new.end is None


async def test_a_logout_reaches_the_other_worker_at_once(pair: tuple[Server, Server]) -> None:
    here, there = pair
    with Visitor(there) as visitor:
        async with connected(here, visitor.login("bob").cookie) as client:
            await asyncio.to_thread(visitor.logout)
            assert (await client.closed(within=AT_ONCE))[0] == 4503


async def test_a_kick_takes_less_than_a_second(
    project: Project, pair: tuple[Server, Server]
) -> None:
    """From a process without a worker; of three, the one in the middle."""
    async with crowd(pair[0], login(pair[0], "cleo"), 3) as clients:
        code = KICK.format(sessions=[client.id for client in clients])
        kicked = [float(at) for at in (await asyncio.to_thread(project.shell, code)).split()]
        for client in clients:
            assert (await client.closed(within=AT_ONCE))[0] == 4500
    took = [client.ended_at - at for client, at in zip(clients, kicked, strict=True)]
    assert sorted(took)[1] < 1.0


async def test_forged_hints_close_nothing(pair: tuple[Server, Server], redis: RedisServer) -> None:
    async with connected(pair[0], login(pair[0], "ann")) as client:
        with redis.client() as forger:
            (group,) = forger.pubsub_channels(f"*__group__{workers_group_name(PREFIX)}")
            forger.publish(group, b"\xc1 is no message")
            forger.publish(group, b"\x81\xa4type\xafwebsocket.close")
        await client.send(type="ping", sequence=1, client_time=0)
        await client.frame("pong")
        assert client.end is None


def subscribers(redis: RedisServer) -> int:
    """How many workers have joined."""
    with redis.client() as observer:
        groups = observer.pubsub_channels(f"*__group__{workers_group_name(PREFIX)}")
        return sum(count for _, count in observer.pubsub_numsub(*groups))


async def test_redis_gone_and_back_is_said_once_and_hints_arrive_again(
    pair: tuple[Server, Server], redis: RedisServer
) -> None:
    here, there = pair
    with Visitor(there) as ann, Visitor(there) as bob:
        async with (
            connected(here, ann.login("ann").cookie) as far,
            connected(there, bob.login("bob").cookie) as near,
        ):
            redis.kill()
            await asyncio.to_thread(bob.logout)
            assert (await near.closed(within=AT_ONCE))[0] == 4503  # its own worker knows
            await eventually_in_thread(lambda: there.lines_with("hints cannot be sent"))
            redis.start()
            await eventually_in_thread(lambda: subscribers(redis) == 2)
            assert far.end is None
            await asyncio.to_thread(ann.logout)
            assert (await far.closed(within=AT_ONCE))[0] == 4503
    await eventually_in_thread(lambda: len(there.lines_with("hints cannot be sent")) == 2)
    for server in pair:
        assert server.complaints() == []


async def test_without_redis_a_close_takes_less_than_two_flushes_and_a_take_over_a_heartbeat_more(
    project: Project, redis: RedisServer
) -> None:
    with two_servers(project, flush_interval=1, lease=5) as (here, there):
        redis.kill()
        with Visitor(there) as visitor:
            cookie = visitor.login("bob").cookie
            async with (
                connected(here, cookie) as old,
                connected(there, cookie, resume=old.ticket) as new,
                connected(here, cookie) as other,
            ):
                assert new.welcome["resumed"] is True
                assert (await old.closed(within=3.0))[0] == 4506
                await asyncio.to_thread(visitor.logout)
                assert (await other.closed(within=2.0))[0] == 4503
        for server in (here, there):
            server.stop()
            assert server.exit_code(within=5.0) == 0
            assert server.complaints() == []
