"""A worker whose calls to Redis arrive late: what they were to do is over by then.

Of two workers one reaches Redis through a proxy, which holds one call or the other.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import Proxy
from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .redis_support import RedisProject, keys_of
from .support import Client, Server, connected, dialled, login

OUTDATED = (4506, "session continued elsewhere")
TRY_AGAIN = 4009

# Arguments that only these calls have.
OPEN, RESUME = b"\xa5limit\xc0", b"last_turn"


class Place(NamedTuple):
    """``late`` is the worker behind the proxy, ``early`` the other one."""

    registry: RedisProject
    proxy: Proxy
    late: Server
    early: Server
    cookie: str


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def place(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: RedisServer,
) -> Iterator[Place]:
    redis_server.flush()
    folder = tmp_path_factory.mktemp("late")
    with Proxy(redis_server.port) as proxy:
        registry = RedisProject(
            template,
            folder,
            redis_server,
            ping_interval=0.5,
            lease=6.0,
            store_timeout=2.0,
            resume_window=30.0,
        )
        registry.project.env["REDIS_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        late = registry.project.serve(server=request.param)
        registry.project.env["REDIS_URL"] = redis_server.url
        with late, registry.project.serve(server=request.param) as early:
            yield Place(registry, proxy, late, early, login(early, "ann"))


@asynccontextmanager
async def heard(server: RedisServer, *words: str) -> AsyncIterator[threading.Event]:
    """Set once Redis has executed a call that names all of these."""
    event, done = threading.Event(), threading.Event()

    def listen() -> None:
        with server.client() as client, client.monitor() as monitor:
            ready.set()
            while not done.is_set() and not event.is_set():
                command = monitor.next_command()["command"]
                if command.startswith("EVALSHA") and all(word in command for word in words):
                    event.set()

    ready = threading.Event()
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    await eventually_in_thread(ready.is_set)
    try:
        yield event
    finally:
        done.set()  # the beats go on, so it hears of it
        await asyncio.to_thread(thread.join, 10)


async def stays(client: Client) -> None:
    """It is asked on, and answers."""
    await client.frame("ping", number=len(client.of("ping")) + 3)
    assert client.end is None


async def given_up(place: Place, client: Client) -> None:
    """The worker has told its client to come again, and the store that it gave the call up."""
    before = {key for key in keys_of(place.registry.redis) if ":tomb:" in key}
    assert (await client.closed())[0] == TRY_AGAIN
    await eventually_in_thread(
        lambda: {k for k in keys_of(place.registry.redis) if ":tomb:" in k} - before
    )


async def test_a_late_resume_takes_nothing_over(place: Place) -> None:
    """Not even from a client that knows no turns."""
    registry, proxy, late, early, cookie = place
    async with connected(early, cookie) as client:
        proxy.hold(to=RESUME)
        async with dialled(late, cookie) as attempt:
            await attempt.hello(client.ticket)
            await given_up(place, attempt)
        async with heard(registry.redis, client.id, RESUME.decode()) as executed:
            proxy.heal()
            await eventually_in_thread(executed.is_set)
        await stays(client)
        session = registry.store.get(client.id)
        assert session is not None
        assert (session.state.value, session.generation) == ("connected", 1)
    registry.store.request_close(session=client.id, code=4500, reason="")
    await eventually_in_thread(lambda: registry.sessions() == ())


async def test_a_late_open_leaves_no_ghost(place: Place) -> None:
    registry, proxy, late, _, cookie = place
    proxy.hold(to=OPEN)
    async with dialled(late, cookie) as attempt:
        await attempt.hello()
        await given_up(place, attempt)
    async with heard(registry.redis, r"\xa5limit\xc0") as executed:
        proxy.heal()
        await eventually_in_thread(executed.is_set)
    assert registry.sessions() == ()


async def test_an_attempt_that_wakes_up_late_takes_nothing_from_a_newer_one(place: Place) -> None:
    """It is still wanted by its worker: the turn alone tells."""
    registry, proxy, late, early, cookie = place
    async with connected(early, cookie) as first:
        await first.lose()
    proxy.hold(to=RESUME)
    async with dialled(late, cookie) as attempt:
        await attempt.hello({**first.ticket, "turn": 1})
        async with connected(early, cookie, resume={**first.ticket, "turn": 2}) as client:
            assert client.welcome["resumed"] is True
            proxy.heal()
            assert await attempt.closed() == OUTDATED
            assert [frame["type"] for frame in attempt.frames] == ["goodbye"]
            await stays(client)
            assert registry.holds([client])
            for server in (late, early):
                await turned_away(server, cookie, {**first.ticket, "turn": 2})
            await stays(client)
            await client.send(type="bye")
            await client.closed()
    await eventually_in_thread(lambda: registry.sessions() == ())


async def turned_away(server: Server, cookie: str, ticket: dict[str, object]) -> None:
    async with dialled(server, cookie) as attempt:
        await attempt.hello(ticket)
        assert await attempt.closed() == OUTDATED


async def test_a_store_that_was_emptied_learns_the_turns_again(place: Place) -> None:
    registry, _, late, early, cookie = place
    async with connected(early, cookie) as first:
        await first.lose()
    async with connected(early, cookie, resume={**first.ticket, "turn": 7}) as client:
        registry.redis.flush()
        await eventually_in_thread(lambda: registry.holds([client]))
        await turned_away(late, cookie, {**first.ticket, "turn": 6})
        await stays(client)
        async with connected(late, cookie, resume={**first.ticket, "turn": 8}) as newest:
            assert newest.welcome["resumed"] is True
            assert await client.closed() == OUTDATED
            await newest.send(type="bye")
            await newest.closed()
    await eventually_in_thread(lambda: registry.sessions() == ())
