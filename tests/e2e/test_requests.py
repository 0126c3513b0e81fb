"""Requests with answers on real servers: streams to slow readers, cancels, and ends."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.polling import eventually

from .server_support import Peer
from .stream_reader import AT_A_TIME, PARTS, SIZE, StreamReader
from .support import Client, Frame, Project, Server, Visitor, connected, login

KIB = 1024
MORE = 1024 * KIB  # bytes that a stream to a slow reader may add to its worker
AT_ONCE = 8


@dataclass(frozen=True)
class Service:
    """A server with the application that answers."""

    project: Project
    server: Server

    @property
    def memory(self) -> int:
        return int(psutil.Process(self.server.process.pid).memory_info().rss)


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def service(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    environ = {"DJANGO_SETTINGS_MODULE": "tests.e2e.requests_project"}
    folder = tmp_path_factory.mktemp("requests")
    project = Project.copy(template, folder, environ=environ, flush_interval=0.3)
    with project.serve(server=request.param) as server:
        yield Service(project, server)


@pytest.fixture
def cookie(service: Service) -> str:
    return login(service.server, "ann")


async def ask(client: Client, id_: int, name: str, data: Any = None) -> None:
    await client.send(type="request", id=id_, name=name, data=data)


async def answer(client: Client, id_: int) -> Frame:
    """The frame about a request, awaited."""

    def found() -> list[Frame]:
        return [frame for frame in client.frames if frame.get("id") == id_]

    await client.until(lambda: bool(found()), within=5, what=f"an answer to {id_}")
    return found()[0]


# A slow reader


def stream_to_end(service: Service, cookie: str) -> int:
    """Read a whole stream, after a pause; returns the worker's memory at most, in bytes."""
    peer = Peer(service.server.port, receive_buffer=4096)
    with peer.upgrade("/ws/", f"Cookie: {cookie}") as peer:
        reader = StreamReader(peer)
        made = eventually(lambda: paused(service, cookie), what="a stream that waits")
        assert made <= 64 * KIB // SIZE + 1
        memory = service.memory
        while not reader.done:
            reader.read(AT_A_TIME)
            if len(reader.numbers) % 800 == 0:
                memory = max(memory, service.memory)
    assert reader.numbers == list(range(PARTS))
    return memory


def paused(service: Service, cookie: str) -> int:
    """The number of parts that the stream has made, once it makes no more."""

    async def look() -> int:
        async with connected(service.server, cookie) as client:
            counts = []
            for id_ in range(5):
                await ask(client, id_, "made")
                counts.append((await answer(client, id_))["data"])
            return int(counts[-1]) if len(set(counts)) == 1 else 0

    return asyncio.run(look())


@pytest.mark.timeout(300)
def test_a_stream_to_a_slow_reader_costs_a_window(service: Service, cookie: str) -> None:
    stream_to_end(service, cookie)  # memory that is taken once is taken now
    before = service.memory
    grown = stream_to_end(service, cookie) - before
    sys.stdout.write(f"{grown} bytes\n")
    assert grown < MORE


# Eight at a time


async def begin_eight(client: Client, name: str) -> None:
    """Have eight requests run, of which each never ends by itself; one more is refused."""
    for id_ in range(AT_ONCE):
        await ask(client, id_, "wait", f"{name} {id_}")
    await ask(client, AT_ONCE, "made")
    assert (await answer(client, AT_ONCE))["code"] == "too_many_requests"


async def test_a_cancel_takes_a_round_trip_while_others_run(service: Service, cookie: str) -> None:
    """The answer that comes next was made after the cancelled one had ended."""
    async with connected(service.server, cookie) as client:
        await begin_eight(client, "cancel")
        await client.send(type="cancel", id=3)
        await ask(client, 9, "ended")
        assert "cancel 3" in (await answer(client, 9))["data"]
        assert [frame["id"] for frame in client.frames if "id" in frame] == [8, 9]


async def test_a_cancel_makes_room_for_the_ninth(service: Service, cookie: str) -> None:
    async with connected(service.server, cookie) as client:
        await begin_eight(client, "ninth")
        await client.send(type="cancel", id=0)
        await ask(client, 9, "made")
        assert (await answer(client, 9))["type"] == "reply"


# Ends


async def lose(service: Service, client: Client) -> None:
    await client.lose()


async def kick(service: Service, client: Client) -> None:
    code = f"from realtime.api import kick; print(kick({client.id!r}))"
    assert await asyncio.to_thread(service.project.shell, code) == "True\n"


@pytest.mark.parametrize("end", [lose, kick])
async def test_the_end_of_a_connection_ends_its_requests(
    service: Service, cookie: str, end: Callable[[Service, Client], Awaitable[None]]
) -> None:
    name = f"{end.__name__} of {service.server.port}"
    async with connected(service.server, cookie) as client:
        await begin_eight(client, name)
        await end(service, client)
        await asyncio.to_thread(expect_ends, service.server, name)


async def test_a_logout_ends_requests(service: Service) -> None:
    with Visitor(service.server) as visitor:
        await asyncio.to_thread(visitor.login, "ann")
        async with connected(service.server, visitor.cookie) as client:
            await begin_eight(client, "logout")
            await asyncio.to_thread(visitor.logout)
            assert (await client.closed())[0] == 4503
        await asyncio.to_thread(expect_ends, service.server, "logout")


def expect_ends(server: Server, name: str) -> None:
    """All that waited have ended, and no error was logged."""
    eventually(lambda: len(server.lines_with(f"ended: {name}")) == AT_ONCE, what=name)
    assert server.complaints() == []


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_a_drain_ends_requests(template: Path, tmp_path: Path, kind: str) -> None:
    environ = {"DJANGO_SETTINGS_MODULE": "tests.e2e.requests_project"}
    project = Project.copy(template, tmp_path, environ=environ)
    with project.serve(server=kind) as server:
        cookie = await asyncio.to_thread(login, server, "ann")
        async with connected(server, cookie) as client:
            await begin_eight(client, "drain")
            server.stop()
            assert (await client.closed())[0] == 1001
        assert await asyncio.to_thread(server.exit_code) == 0
        await asyncio.to_thread(expect_ends, server, "drain")
