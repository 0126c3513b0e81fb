"""Calls cut short at the worst moment: afterwards no publication is missing, and none is double."""

import asyncio
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.store.params import StoreParams
from realtime.store.redis import blocking_store
from realtime.store.timeouts import Timeouts
from tests.faults import Proxy
from tests.polling import eventually_in_thread
from tests.redis_server import RedisServer

from .room_server import rooms_project
from .server_support import TEXT, Peer
from .shell_process import shell_process
from .support import Client, Frame, Project, Server, connected, dialled, login

RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: closing breaks the connection


@pytest.fixture(scope="module")
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    redis_server.flush()
    with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def project(
    template: Path, tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer
) -> Project:
    folder = tmp_path_factory.mktemp("cut")
    return rooms_project(template, folder, environ={"REDIS_URL": redis_server.url})


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[Server]:
    with project.serve() as server:
        yield server


# ---------------------------------------------------------------- after `joined`


class Reader:
    """A client of few words, which reads a given number of publications."""

    def __init__(self, server: Server, cookie: str) -> None:
        self._server = server
        self._cookie = cookie
        self._ticket: Frame = {}
        self.read: list[int] = []

    def come(self, room: str, at: Frame, *, by: str, count: int) -> None:
        """Come into the room at this position by ``hello`` or ``join``, read so many
        publications, and break the connection."""
        with Peer(self._server.port).upgrade("/ws/", f"Cookie: {self._cookie}") as peer:
            rooms = {room: at} if by == "hello" else {}
            say(peer, type="hello", protocol=1, rooms=rooms, **self._ticket)
            welcome = next_of(peer, "welcome")
            assert welcome["resumed"] is bool(self._ticket)
            self._ticket = {"resume": {key: welcome[key] for key in ("session", "token")}}
            entry = welcome["rooms"].get(room)
            if by == "join":
                say(peer, type="join", id=1, room=room, position=at)
                entry = next_of(peer, "joined")
            assert entry["recovered"]
            for number in range(1, count + 1):
                self.read.append(next_of(peer, "publication")["offset"])
                say(peer, type="received", count=number)
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def say(peer: Peer, **frame: Any) -> None:
    peer.text(json.dumps(frame))


def next_of(peer: Peer, kind: str) -> Frame:
    """The next frame of this type; others are skipped."""
    while True:
        opcode, payload = peer.next_frame()
        frame: Frame = json.loads(payload)
        assert opcode == TEXT
        if frame["type"] == kind:
            return frame


async def test_a_connection_lost_after_joined_misses_nothing(
    project: Project, server: Server
) -> None:
    cookie, total = login(server, "ann"), 400  # more than a window
    async with connected(server, cookie, rooms={"chat:long": None}) as client:
        epoch = client.welcome["rooms"]["chat:long"]["epoch"]
    with shell_process(project) as other:
        for number in range(1, total + 1):
            await other.publish("chat:long", number)
    reader = Reader(server, cookie)
    for by, count in zip(["hello", "join"] * 4, [0, 0, 1, 20, 0, 300, 79, 0], strict=True):
        at = {"epoch": epoch, "offset": len(reader.read)}
        await asyncio.to_thread(reader.come, "chat:long", at, by=by, count=count)
    assert reader.read == list(range(1, total + 1))
    assert server.complaints() == []


# ---------------------------------------------------------------- before the ack


async def test_a_worker_killed_between_append_and_ack_leaves_one_publication(
    project: Project, server: Server, proxy: Proxy, redis_server: RedisServer
) -> None:
    """Also when it is sent again by a session that could not be resumed, and once more."""
    room, cookie = "chat:once", login(server, "ann")
    message = {"type": "message", "id": 1, "room": room, "data": "but once", "key": "k"}
    store = f"redis://127.0.0.1:{proxy.port}/0"
    with project.serve(server="uvicorn", store=store) as doomed:
        async with dialled(server, login(server, "bob")) as bob, dialled(doomed, cookie) as client:
            await enter(bob, room)
            await enter(client, room)
            proxy.cut_replies(to=b"but once")
            await client.send(**message)
            await eventually_in_thread(lambda: newest(redis_server, room) == 1)
            doomed.kill()
            await client.closed()
            assert client.of("ack") == []
            for ticket in (client.ticket, None):
                async with connected(server, cookie, resume=ticket) as again:
                    await again.send(type="join", id=2, room=room)
                    await again.send(**message)
                    await again.frame("ack")
            await bob.send(type="message", id=3, room=room, data="next", key="k")
            await bob.frame("publication", number=2)
            heard = [(frame["offset"], frame["data"]) for frame in bob.of("publication")]
            assert heard == [(1, "but once"), (2, "next")]


async def enter(client: Client, room: str) -> None:
    await client.send(type="hello", protocol=1, rooms={room: None})
    await client.frame("welcome")


def newest(server: RedisServer, room: str) -> int:
    """The newest offset of a log."""
    timeouts = Timeouts(lease_ms=1, resume_ms=1, session_ms=1, claim_ms=1)
    params = StoreParams(timeouts=timeouts, prefix="realtime", timeout=10.0)
    log = blocking_store(server.url, params).log
    return log.ends([room])[room].top.offset
