"""Faults of Redis: sockets stay, beats go on, and the registry is right again soon."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import RedisProject, keys_of
from .support import Client, Server, connected, crowd, dialled, login
from .traces import Traces

FLUSH, BEAT, LEASE = 0.3, 1.0, 2.0
# Beyond the flushes, for two busy cores and the clients that share them.
GRACE = 2.0


@pytest.fixture(scope="module")
def registry(
    template: Path, tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer
) -> RedisProject:
    redis_server.flush()
    return RedisProject(
        template,
        tmp_path_factory.mktemp("faults"),
        redis_server,
        lease=LEASE,
        ping_interval=BEAT,
        resume_window=30.0,
        store_timeout=1.0,
    )


@pytest.fixture(scope="module")
def workers(registry: RedisProject) -> Iterator[list[Server]]:
    with registry.project.serve() as one, registry.project.serve() as other:
        yield [one, other]


@pytest.fixture(scope="module")
def cookie(workers: list[Server]) -> str:
    return login(workers[0], "ann")


@asynccontextmanager
async def crowds(workers: Sequence[Server], cookie: str) -> AsyncIterator[list[Client]]:
    """Ten clients of each worker, all in the registry."""
    async with AsyncExitStack() as stack:
        yield [
            client
            for worker in workers
            for client in await stack.enter_async_context(crowd(worker, cookie, 10))
        ]


def empty(server: RedisServer) -> None:
    server.flush()


def restart_empty(server: RedisServer) -> None:
    server.kill()
    server.start()


def kill_clients(server: RedisServer) -> None:
    with server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal")


def kill_subscribers(server: RedisServer) -> None:
    with server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def forget_scripts(server: RedisServer) -> None:
    with server.client() as client:
        client.script_flush()


def pause(server: RedisServer) -> None:
    """Longer than any lease."""
    with server.client() as client:
        client.client_pause(round(2 * LEASE * 1000), all=True)
        time.sleep(2 * LEASE)  # the fault itself


def freeze(server: RedisServer) -> None:
    server.freeze()
    time.sleep(2 * LEASE)  # the fault itself
    server.thaw()


def be_away(server: RedisServer) -> None:
    server.kill()
    time.sleep(2 * LEASE)  # the fault itself
    server.start()


FAULTS = [
    empty, restart_empty, kill_clients, kill_subscribers, forget_scripts, pause, freeze, be_away
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_sockets_stay_and_the_registry_recovers(
    registry: RedisProject,
    workers: list[Server],
    cookie: str,
    fault: Callable[[RedisServer], None],
) -> None:
    async with crowds(workers, cookie) as clients:
        await eventually_in_thread(lambda: registry.holds(clients))
        began = time.monotonic()
        await asyncio.to_thread(fault, registry.redis)
        over = time.monotonic()
        await eventually_in_thread(lambda: registry.holds(clients), what=registry.states)
        assert time.monotonic() - over < 2 * FLUSH + GRACE
        await beats_went_on(clients, began)
        async with connected(workers[1], cookie, resume=clients[0].ticket) as back:
            assert back.welcome["resumed"] is True  # token and generation are there again
        for client in clients[1:]:
            await client.send(type="bye")
            assert (await client.closed())[0] == 1000
        mine = {client.id for client in clients}
        ended = Counter(client.id for client in clients[1:])
        await eventually_in_thread(lambda: only(registry.rows(), mine) == ended)
        assert only(registry.signals("closed"), mine) == ended
        # The one that was resumed and lost in order; none for Redis's own silence.
        assert set(only(registry.signals("suspended"), mine)) <= {clients[0].id}
    registry.store.request_close(session=clients[0].id, code=4500, reason="")
    await eventually_in_thread(lambda: registry.sessions() == ())
    for worker in workers:
        assert not [line for line in worker.log if "Traceback" in line]


def only(counted: Counter[str], ids: set[str]) -> Counter[str]:
    return Counter({id_: count for id_, count in counted.items() if id_ in ids})


async def beats_went_on(clients: Sequence[Client], began: float) -> None:
    """No client was closed, and each got as many pings as without the fault."""
    expected = (time.monotonic() - began) / BEAT
    for client in clients:
        assert client.end is None, client.frames[-2:]
        assert (
            len(client.of("ping")) >= expected - 2
        )  # the first comes after half a beat, the last is on its way


async def test_while_redis_is_away(
    registry: RedisProject, workers: list[Server], cookie: str
) -> None:
    lines = {word: count_lines(workers, word) for word in ("unreachable", "is back")}
    async with crowds(workers, cookie) as clients:
        registry.redis.kill()
        try:
            for client in clients:
                assert (await client.frame("notice"))["state"] == "degraded"
            for worker in workers:
                health = await asyncio.to_thread(httpx.get, f"{worker.url}/realtime/health/")
                assert health.json()["status"] == "degraded"
            async with dialled(workers[0], cookie) as newcomer:
                await newcomer.hello()
                assert (await newcomer.closed())[0] == 4009
        finally:
            registry.redis.start()
        for client in clients:
            assert (await client.frame("notice", number=2))["state"] == "ok"
        await eventually_in_thread(lambda: registry.holds(clients))
        for worker in workers:
            health = await asyncio.to_thread(httpx.get, f"{worker.url}/realtime/health/")
            assert (health.json()["status"], health.json()["total_connections"]) == ("ok", 20)
    for word, before in lines.items():
        assert count_lines(workers, word) == [count + 1 for count in before], workers[0].log
    assert not [line for worker in workers for line in worker.log if "Traceback" in line]


def count_lines(workers: Sequence[Server], word: str) -> list[int]:
    return [len(worker.lines_with(word)) for worker in workers]


async def test_nothing_is_left_of_many(
    registry: RedisProject, workers: list[Server], cookie: str
) -> None:
    """After all these faults two hundred come and go, and leave nothing behind."""
    await come_and_go(registry, workers, cookie)
    registry.store.sample()  # or the first one comes in between
    before = [Traces(worker, registry.redis) for worker in workers]
    for _ in range(4):
        await come_and_go(registry, workers, cookie)
    for worker, traces in zip(workers, before, strict=True):
        Traces(worker, registry.redis).assert_no_more_than(traces)


async def come_and_go(registry: RedisProject, workers: Sequence[Server], cookie: str) -> None:
    """Fifty, half of them without a word; then those are asked to end, and none is left."""
    async with AsyncExitStack() as stack:
        for worker in workers:
            clients = await stack.enter_async_context(crowd(worker, cookie, 25))
            user = clients[0].welcome["user"]
            for number, client in enumerate(clients):
                await (client.lose() if number % 2 else client.send(type="bye"))
                await client.closed()
    await eventually_in_thread(lambda: registry.states()["connected"] == 0)
    registry.store.request_close(user=user, code=4500, reason="")
    await eventually_in_thread(
        lambda: not any(":session:" in key for key in keys_of(registry.redis))
    )
    # The next clients of this user may come so soon that the end would refuse them, too.
    with registry.redis.client() as client:
        client.delete(*(key for key in keys_of(registry.redis) if ":ended:" in key))
