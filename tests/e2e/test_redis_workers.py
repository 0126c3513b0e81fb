"""Several workers on one Redis: what one dies of, the others put in order, once."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import RedisProject
from .support import ANSWERING, Client, Project, Server, connected, crowd, login

SIZE = 100
DISCONNECTED, CONTINUED, TIMED_OUT = 4500, 4506, 4002

# Claims everything that is due, and is killed before it has written a row.
CLAIM_AND_DIE = """
import os, signal
from realtime.composition import blocking_store
print(len(blocking_store().sweep("the dead claimant").claimed), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

# Says when, by the clock that all processes of a machine share.
KICK = """
import time
from realtime.api import kick
print(time.monotonic(), kick({id!r}), flush=True)
"""


@pytest.fixture
def registry(template: Path, tmp_path: Path, redis_server: RedisServer) -> Iterator[RedisProject]:
    redis_server.flush()
    yield RedisProject(template, tmp_path, redis_server, ping_interval=1.0)
    redis_server.flush()


def total(server: Server) -> int:
    health = httpx.get(f"{server.url}/realtime/health/", timeout=ANSWERING).json()
    return int(health["total_connections"])


async def test_killed_with_a_hundred_sessions(registry: RedisProject) -> None:
    project = registry.project
    with project.serve() as survivor, project.serve() as victim:
        cookie = login(survivor, "ann")
        async with (
            crowd(survivor, cookie, SIZE) as neighbours,
            crowd(victim, cookie, SIZE) as lost,
        ):
            await eventually_in_thread(lambda: {total(survivor), total(victim)} == {2 * SIZE})
            victim.kill()
            killed = time.monotonic()
            await eventually_in_thread(lambda: registry.states()["suspended"] == SIZE, within=4)
            assert time.monotonic() - killed < 2.0 + 2.0  # the lease and two seconds
            returning = [client.ticket for client in lost[:30]]
            async with crowd(survivor, cookie, 0, returning) as back:
                assert all(client.welcome["resumed"] for client in back)
                gone = Counter(client.id for client in lost[30:])
                await eventually_in_thread(lambda: registry.rows() == gone, within=8)
                assert registry.holds([*neighbours, *back])
                assert registry.signals("suspended") == Counter(client.id for client in lost)
                assert registry.signals("resumed") == Counter(client.id for client in back)
                assert registry.signals("closed") == gone
        assert survivor.complaints() == []


async def test_a_session_of_another_worker_is_closed(registry: RedisProject) -> None:
    with registry.project.serve() as one, registry.project.serve() as other:
        cookie = login(one, "ann")
        async with connected(one, cookie), connected(other, cookie) as client:
            said = await asyncio.to_thread(registry.project.shell, KICK.format(id=client.id))
            at, kicked = said.split()
            assert kicked == "True"
            assert await client.closed(within=3) == (
                DISCONNECTED,
                "disconnected by an administrator",
            )
            assert client.ended_at - float(at) < 1.0
            # A request without a hint takes effect within two flushes.
            async with connected(other, cookie) as quiet:
                began = time.monotonic()
                registry.store.request_close(session=quiet.id, code=4500, reason="")
                assert (await quiet.closed(within=3))[0] == DISCONNECTED
                assert quiet.ended_at - began < 2 * 0.3 + 0.5


async def test_a_claimant_killed_before_it_wrote_the_history(
    template: Path, tmp_path: Path, redis_server: RedisServer
) -> None:
    redis_server.flush()
    registry = RedisProject(
        template, tmp_path, redis_server, sweep_interval=0, resume_window=1.0, claim_timeout=1.0
    )
    with registry.project.serve() as server:
        async with crowd(server, login(server, "ann"), 5) as clients:
            ids = Counter(client.id for client in clients)
            await lose(clients)
            await eventually_in_thread(lambda: registry.states()["suspended"] == 5)
            await eventually_in_thread(lambda: registry.store.overdue().close == 5)
            died = await asyncio.to_thread(
                registry.project.manage, "shell", "--no-imports", "-c", CLAIM_AND_DIE, check=False
            )
            assert (died.stdout.strip(), died.returncode) == ("5", -signal.SIGKILL)
            assert registry.rows() == Counter()
            await eventually_in_thread(
                lambda: registry.store.overdue().close == 5
            )  # the claim has run out
            reports = [registry.project.sweep() for _ in range(2)]
            assert [report["closed"] for report in reports] == [5, 0]
    assert registry.rows() == registry.signals("closed") == ids
    assert registry.sessions() == ()


async def lose(clients: Sequence[Client]) -> None:
    for client in clients:
        await client.lose()


async def test_a_worker_that_stood_still_beyond_its_lease(registry: RedisProject) -> None:
    """Its sessions were resumed elsewhere, closed, or nothing happened to them."""
    project = registry.project
    with project.serve() as frozen, project.serve() as other:
        cookie = login(other, "ann")
        async with crowd(frozen, cookie, 12) as clients, AsyncExitStack() as stack:
            resumed, closed, left = clients[:4], clients[4:8], clients[8:]
            frozen.stop(signal.SIGSTOP)
            await eventually_in_thread(lambda: registry.states() == {"suspended": 12}, within=4)
            tickets = [client.ticket for client in resumed]
            back = await stack.enter_async_context(crowd(other, cookie, 0, tickets))
            assert all(client.welcome["resumed"] for client in back)
            for client in closed:
                registry.store.request_close(session=client.id, code=4500, reason="")
            await eventually_in_thread(
                lambda: registry.rows() == Counter(client.id for client in closed)
            )
            frozen.stop(signal.SIGCONT)
            await ends_with(resumed, CONTINUED)
            await ends_with(closed, TIMED_OUT)
            await eventually_in_thread(lambda: registry.holds([*back, *left]))
            await heard_of(left)
            for client in (*left, *back):
                await client.send(type="bye")
            await ends_with([*left, *back], 1000)
            await eventually_in_thread(
                lambda: registry.rows() == Counter(client.id for client in clients)
            )
        assert registry.signals("closed") == Counter(client.id for client in clients)
        for client in left:
            counted_once(project, client)
        assert other.complaints() == []
        # One call of the frozen worker may have been under way, and has timed out then.
        assert len(frozen.complaints()) <= 1
        assert all("unreachable: no answer within" in line for line in frozen.complaints())


async def ends_with(clients: Sequence[Client], code: int) -> None:
    assert [(await client.closed())[0] for client in clients] == [code] * len(clients)


async def heard_of(clients: Sequence[Client]) -> None:
    """Each gets another ping."""
    for client in clients:
        await client.frame("ping", number=len(client.of("ping")) + 1)


def counted_once(project: Project, client: Client) -> None:
    row = project.history(client.id)
    heard = len(client.of("ping"))
    # The last ping may still have been under way at the end, and the last pong.
    assert heard <= row["pings"] <= heard + 1
    assert row["pings"] - 1 <= row["pongs"] <= row["pings"]
    assert row["resumes"] == 0
