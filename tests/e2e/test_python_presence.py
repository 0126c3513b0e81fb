"""The users in a room, as the Python client tells them of the demo's server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.client import Presence
from tests.faults import Proxy
from tests.polling import TIMEOUT, eventually_in_loop

from .room_server import unique_room
from .support import Project, Server, login
from .test_python_client import client_of


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Its sessions last for two seconds without a connection."""
    short = {"ping_interval": 0.5, "pong_timeout": 1, "session_timeout": 5}
    windows = {"resume_window": 2, "sweep_interval": 0.5}
    folder = tmp_path_factory.mktemp(f"python_presence_{request.param}")
    project = Project.copy(template, folder, **short, **windows)
    with project.serve_cleanly(server=request.param) as process:
        yield process


@pytest.fixture(scope="module")
def cookies(server: Server) -> dict[str, str]:
    return {name: login(server, name) for name in ("ann", "bob")}


async def until(
    pictures: AsyncIterator[Presence], is_met: Callable[[Presence], bool]
) -> list[Presence]:
    """The pictures up to the first one that meets the condition."""
    seen: list[Presence] = []
    async with asyncio.timeout(TIMEOUT):
        async for picture in pictures:
            seen.append(picture)
            if is_met(picture):
                return seen
    raise AssertionError(seen)


def names(picture: Presence) -> list[Any]:
    assert picture.list is not None
    return sorted(one.data["name"] for one in picture.list)


async def test_users_come_and_go_and_connections_do_not(
    server: Server, cookies: dict[str, str]
) -> None:
    """Bob has two connections, of which one breaks for a moment: he comes once and goes once."""
    room = unique_room()
    async with client_of(server.port, cookies["ann"]) as ann:
        pictures = ann.room(room).presence()
        first = (await until(pictures, lambda each: each.users == 1))[-1]
        assert (names(first), first.sessions) == (["ann"], 1)
        with Proxy(server.port) as proxy:
            async with client_of(proxy.port, cookies["bob"]) as bob:
                await bob.room(room).joined()
                seen = await until(pictures, lambda each: each.users == 2)
                session = bob.session
                proxy.reset()
                await eventually_in_loop(lambda: proxy.accepted == 2 and bob.connected)
                assert bob.session == session
                async with client_of(server.port, cookies["bob"]) as second:
                    theirs = second.room(room).presence()
                    both = (await until(theirs, lambda each: each.users == 2))[-1]
                    assert names(both) == ["ann", "bob"]
                    seen += await until(pictures, lambda each: each.sessions == 3)
                seen += await until(pictures, lambda each: each.sessions == 2)
            seen += await until(pictures, lambda each: each.users == 1)
        assert [one.data["name"] for each in seen for one in each.joined] == ["bob"]
        assert [user for each in seen for user in each.left] == [bob.user]
        assert names(seen[-1]) == ["ann"]
