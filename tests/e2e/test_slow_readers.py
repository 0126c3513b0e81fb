"""A reader that stops costs the worker one window and the others nothing, and when it reads
again it gets what it missed, or a notice that it cannot: on both servers.

SLOW_READERS_MB is how much is published to each room, in megabytes.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.redis_server import RedisServer

from .room_server import RoomServer, serve_rooms
from .server_support import TEXT, Peer
from .support import Client, Frame, pong

SIZE = 64_000  # bytes of data in each publication
COUNT = int(os.environ.get("SLOW_READERS_MB", "8")) * 1_000_000 // SIZE
USUAL = COUNT // 3  # as often before there are such readers: what memory is taken once is taken

MIB = 1024 * 1024
MORE = 2 * MIB  # what a reader that stops may add to a worker
SLOWER = 1.25  # how much later others may be served in its room than in another

SILENT, SENDING, ALONE = "chat:silent", "chat:sending", "chat:alone"

PUBLISH = f"""
import sys, time
from realtime import api
pad = "x" * {SIZE}
for line in sys.stdin:
    api.publish(line.strip(), [time.monotonic(), pad])
    print("published", flush=True)
"""


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def room_server(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: RedisServer,
) -> Iterator[RoomServer]:
    with serve_rooms(
        template,
        tmp_path_factory.mktemp("slow"),
        request.param,
        redis=redis_server,
        script=PUBLISH,
        message_rate="1000,1000",
        ping_interval=5.0,
        pong_timeout=60.0,
        session_timeout=300.0,
    ) as served:
        yield served


# ---------------------------------------------------------------- readers


class TimedClient(Client):
    """Reads at once, and keeps each publication's delay instead of its data."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.delays: dict[str, list[float]] = defaultdict(list)
        self._count = 0

    async def _heard(self, frame: Frame) -> None:
        if frame["type"] == "publication":
            self.delays[frame["room"]].append(time.monotonic() - frame["data"][0])
            self._count += 1
            await self.send(type="received", count=self._count)
            frame = {**frame, "data": None}
        await super()._heard(frame)

    async def has_received(self, room: str, count: int) -> None:
        """Wait for ``count`` publications of a room."""
        await self.until(lambda: len(self.delays[room]) >= count, within=30, what=room)


@asynccontextmanager
async def timed_clients(
    room_server: RoomServer, *rooms: str, count: int = 9
) -> AsyncIterator[list[TimedClient]]:
    """``count`` clients in these rooms that read at once."""
    async with AsyncExitStack() as stack:
        found: list[TimedClient] = []
        for _ in range(count):
            line = connect(
                f"ws://127.0.0.1:{room_server.server.port}/ws/",
                additional_headers={"Cookie": room_server.cookie},
                compression=None,
                ping_interval=None,
                proxy=None,
            )
            client = TimedClient(await stack.enter_async_context(line), pong)
            stack.push_async_callback(client.aclose)
            await client.send(type="hello", protocol=1, rooms=dict.fromkeys(rooms))
            await client.frame("welcome")
            found.append(client)
        yield found


class StoppingReader:
    """Joins a room and reads nothing, until it reads everything."""

    def __init__(self, peer: Peer, room: str, **hello: Any) -> None:
        self._peer = peer
        self._room = room
        self.offsets: list[int] = []
        self.told: list[Frame] = []
        self.send(type="hello", protocol=1, **{"rooms": {room: None}, **hello})
        self.welcome = self._next("welcome")
        self.start = self.welcome["rooms"][room]

    @property
    def again(self) -> Frame:
        """The ``resume`` and rooms of its next hello."""
        ticket = {key: self.welcome[key] for key in ("session", "token")}
        at = {"epoch": self.start["epoch"], "offset": max([self.start["offset"], *self.offsets])}
        return {"resume": ticket, "rooms": {self._room: at}}

    def send(self, **frame: Any) -> None:
        self._peer.text(json.dumps(frame))

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Read, and answer, until it has come to this. Raises ConnectionError."""
        while not condition():
            self._next()

    def _next(self, kind: str = "") -> Frame:
        """The next frame, of this type."""
        while True:
            opcode, payload = self._peer.next_frame()
            frame: Frame = json.loads(payload) if opcode == TEXT else {"type": "control"}
            self._take(frame)
            if kind in ("", frame["type"]):
                return frame

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "ping":
                self.send(**pong(frame))
            case "publication":
                self.offsets.append(frame["offset"])
                self.send(type="received", count=len(self.offsets))
            case "joined":
                self.told.append(frame)


@contextmanager
def stopped(
    room_server: RoomServer, room: str, *, sending: bool = False
) -> Iterator[StoppingReader]:
    """A client that has joined this room and reads nothing, but may go on sending."""
    over = Event()
    with called(room_server) as peer:
        reader = StoppingReader(peer, room)

        def send() -> None:
            with suppress(OSError):
                while not over.wait(0.05):
                    reader.send(type="ping", sequence=1, client_time=0)

        thread = Thread(target=send if sending else over.wait)
        thread.start()
        try:
            yield reader
        finally:
            over.set()
            thread.join()


def called(room_server: RoomServer) -> Peer:
    peer = Peer(room_server.server.port, receive_buffer=4096)
    return peer.upgrade("/ws/", f"Cookie: {room_server.cookie}")


# ---------------------------------------------------------------- what it costs


@dataclass
class Costs:
    """The costs of publishing in each room: the worker's memory at most, in bytes, its seconds
    of CPU per publication, and the median delay in each room, in seconds."""

    memory: int
    cpu: float
    delays: dict[str, float]


async def publish_everywhere(
    room_server: RoomServer, readers: list[TimedClient], *, times: int
) -> Costs:
    """In one room after the other, so that what else this machine does harms all alike."""
    process = psutil.Process(room_server.server.process.pid)
    began, memory = sum(process.cpu_times()[:2]), 0
    before = len(readers[0].delays[ALONE])
    for number in range(before + 1, before + times + 1):
        for room in (SILENT, SENDING, ALONE):
            await room_server.publisher.request(room)
            for reader in readers:
                await reader.has_received(room, number)
        memory = max(memory, process.memory_info().rss)
    delays = {
        room: statistics.median(
            delay for reader in readers for delay in reader.delays[room][before:]
        )
        for room in (SILENT, SENDING, ALONE)
    }
    cpu = (sum(process.cpu_times()[:2]) - began) / (times * len(delays))
    return Costs(memory, cpu, delays)


@pytest.mark.timeout(600)
async def test_readers_that_stop_cost_a_window_and_delay_no_other_client(
    room_server: RoomServer,
) -> None:
    """Two of them at once, who may cost no more than one. One that reads again gets a
    notice of the loss."""
    async with timed_clients(room_server, SILENT, SENDING, ALONE) as readers:
        usual = await publish_everywhere(room_server, readers, times=USUAL)
        with (
            stopped(room_server, SILENT) as silent,
            stopped(room_server, SENDING, sending=True) as sending,
        ):
            costs = await publish_everywhere(room_server, readers, times=COUNT)
            sys.stdout.write(f"{usual}\n{costs}\n")
            assert costs.memory - usual.memory < MORE
            for room in (SILENT, SENDING):
                assert costs.delays[room] < SLOWER * costs.delays[ALONE]
            assert costs.cpu < 1.5 * usual.cpu
            for room, reader in ((SILENT, silent), (SENDING, sending)):
                await asyncio.to_thread(is_told, room_server, room, reader, offset=USUAL + COUNT)


def is_told(room_server: RoomServer, room: str, reader: StoppingReader, *, offset: int) -> None:
    """It reads again, of a log that does not reach back to it any more, and then what is new."""
    try:
        reader.read_until(lambda: bool(reader.told))
        (told,) = reader.told
    except ConnectionError:  # after twenty seconds the kernel has given it up
        told = told_when_back(room_server, room, reader)
    assert (told["recovered"], told["reason"], told["offset"]) == (False, "expired", offset)
    assert reader.offsets in ([], [USUAL + 1])  # one alone fills the window


def told_when_back(room_server: RoomServer, room: str, reader: StoppingReader) -> Frame:
    with called(room_server) as peer:
        back = StoppingReader(peer, room, **reader.again)
        assert back.welcome["resumed"]
        assert not back.offsets
        told: Frame = back.start
        return told


async def test_a_reader_that_stopped_for_a_while_gets_all_of_it(room_server: RoomServer) -> None:
    room = "chat:while"
    async with timed_clients(room_server, room, count=1) as (other,):
        with stopped(room_server, room) as reader:
            for _ in range(40):  # 2.5 MB; the log keeps four
                await room_server.publisher.request(room)
            await other.has_received(room, 40)
            await asyncio.to_thread(reader.read_until, lambda: len(reader.offsets) == 40)
            await room_server.publisher.request(room)
            await asyncio.to_thread(reader.read_until, lambda: len(reader.offsets) == 41)
    assert reader.offsets == list(range(1, 42))
    assert not reader.told
