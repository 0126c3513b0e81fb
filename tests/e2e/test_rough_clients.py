"""Clients that come and go in storms, ask for the absurd or for too much, also while the store
hangs: everybody gets what is theirs, and when all have gone the worker keeps nothing in mind."""

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.polling import eventually, eventually_in_thread
from tests.redis_server import RedisServer

from .outsider import Outsider, outsider
from .support import Client, Frame, Project, Server, dialled, login

LATE = 1.0  # seconds; a healthy neighbour's answer takes about a millisecond

# A line is a room and how many.
PUBLISH = """
import sys
from realtime import api
for line in sys.stdin:
    room, count = line.split()
    for start in range(0, int(count), 20):
        api.publish_many((room, number) for number in range(start + 1, start + 21))
    print("published", flush=True)
"""


@dataclass
class Place:
    """A server, its Redis, the Cookie header of a user, and another process that publishes."""

    server: Server
    redis: RedisServer
    outsider: Outsider
    cookie: str

    @asynccontextmanager
    async def client(self, rooms: dict[str, Any] | None = None) -> AsyncIterator[Client]:
        """A client that has said hello with these rooms and was welcomed."""
        async with dialled(self.server, self.cookie) as client:
            await client.send(type="hello", protocol=1, rooms=rooms or {})
            await client.frame("welcome")
            yield client

    @asynccontextmanager
    async def crowd(self, size: int, *rooms: str) -> AsyncIterator[list[Client]]:
        """So many of them at once."""
        async with AsyncExitStack() as stack:
            coming = [self.client(dict.fromkeys(rooms)) for _ in range(size)]
            yield list(await asyncio.gather(*map(stack.enter_async_context, coming)))

    async def keeps(self) -> dict[str, int]:
        """How much the worker keeps in mind."""
        return await asyncio.to_thread(self._keeps)

    def _keeps(self) -> dict[str, int]:
        before = len(self.server.lines_with("census {"))
        self.server.process.send_signal(signal.SIGUSR2)
        lines = eventually(lambda: self.server.lines_with("census {")[before:])
        census: dict[str, int] = json.loads(lines[0].partition("census ")[2])
        return census

    def is_empty(self) -> bool:
        """Whether nothing reminds of anybody."""
        census = self._keeps()
        return census.pop("tasks") <= TASKS and not any(census.values())


TASKS = 8  # of a worker with nobody to serve: its ticker, its listener, and now and then a job


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def place(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: RedisServer,
) -> Iterator[Place]:
    redis_server.flush()
    folder = tmp_path_factory.mktemp("rough")
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.census_project",
        "SIGNAL_LOG": str(folder / "signals"),
        "REDIS_URL": redis_server.url,
    }
    project = Project.copy(
        template,
        folder,
        environ=environ,
        ping_interval=2.0,
        message_rate="2000,2000",
        log_length=10_000,
        store_timeout=1.0,
    )
    with project.serve(server=request.param) as server, outsider(project, PUBLISH) as other:
        yield Place(server, redis_server, other, login(server, "ann"))


@pytest.fixture
def room() -> str:
    """A room that no other test knows."""
    return f"chat:{uuid4().hex}"


# ---------------------------------------------------------------- coming and going


async def test_a_storm_of_joins_and_leaves_while_the_store_hangs(place: Place) -> None:
    """Every request is answered, late or in vain, nobody is sent away, and everybody is exactly
    where they were told they are."""
    rooms = [f"chat:storm:{number}" for number in range(20)]
    async with place.crowd(30) as clients:
        storms = [asyncio.create_task(storm(client, rooms)) for client in clients]
        await eventually_in_thread(lambda: any(client.of("left") for client in clients))
        with place.redis.client() as redis:
            redis.client_pause(2500)
        await asyncio.gather(*storms)
        refused = {frame["code"] for client in clients for frame in client.of("error")}
        assert refused <= {"unavailable", "rate_limited"}
        for room in rooms:
            await place.outsider.tell(f"{room} 20")
        for client in clients:
            inside = where(client)
            await client.frame("publication", number=20 * len(inside))
            assert {frame["room"] for frame in client.of("publication")} == inside
            assert client.end is None
    await eventually_in_thread(place.is_empty, what=await place.keeps())


REQUESTS = 60


async def storm(client: Client, rooms: Sequence[str]) -> None:
    """Join and leave at random, and wait for all the answers."""
    for id_ in range(REQUESTS):
        kind = random.choice(["join", "join", "leave"])
        await client.send(type=kind, id=id_, room=random.choice(rooms))
        await asyncio.sleep(0.01)
    await client.until(lambda: len(answers(client)) == REQUESTS, within=20, what="answers")


def answers(client: Client) -> list[Frame]:
    return [frame for frame in client.frames if "id" in frame]


def where(client: Client) -> set[str]:
    """The rooms that it was told it is in."""
    rooms = set()
    for frame in answers(client):
        if frame["type"] == "joined":
            rooms.add(frame["room"])
        elif frame["type"] == "left":
            rooms.discard(frame["room"])
    return rooms


async def test_a_stream_into_a_room_while_members_come_and_go(place: Place, room: str) -> None:
    """A thousand publications as fast as they can be: those who stay get all of them, those who
    leave or are lost harm nobody, and those who come back again and again miss nothing."""
    total = 1000
    async with place.crowd(20, room) as staying, place.crowd(60, room) as going:
        epoch = staying[0].welcome["rooms"][room]["epoch"]
        stream = asyncio.create_task(place.outsider.tell(f"{room} {total}"))
        returning = [
            asyncio.create_task(comes_and_goes(place, room, epoch, total)) for _ in range(5)
        ]
        await going[0].frame("publication", number=20)
        for leaving, lost in zip(going[::2], going[1::2], strict=True):
            await leaving.send(type="leave", id=1, room=room)
            await lost.lose()
        await stream
        for client in staying:
            await has_heard_all(client, total)
        for each in returning:
            assert await each == list(range(1, total + 1))
    await eventually_in_thread(place.is_empty, what=await place.keeps())


async def has_heard_all(client: Client, total: int) -> None:
    """Each once and in order; a ping may have come after the last."""

    def last() -> int:
        return next((f["offset"] for f in reversed(client.frames) if "offset" in f), 0)

    await client.until(lambda: last() == total, within=20, what=("the last of", total))
    assert offsets(client) == list(range(1, total + 1))


async def comes_and_goes(place: Place, room: str, epoch: str, total: int) -> list[int]:
    """Lose the connection again and again; the offsets of all that was heard."""
    heard: list[int] = []
    while len(heard) < total:
        at = {"epoch": epoch, "offset": len(heard)}
        async with place.client({room: at}) as client:
            assert client.welcome["rooms"][room]["recovered"]
            await asyncio.sleep(random.uniform(0.01, 0.2))
            await client.lose()
            heard += offsets(client)
    return heard


def offsets(client: Client) -> list[int]:
    return [frame["offset"] for frame in client.of("publication")]


# ---------------------------------------------------------------- too much, and the absurd


async def test_a_flood_of_messages_is_served_as_far_as_it_can_be(place: Place, room: str) -> None:
    total = 1000
    async with place.client({room: None}) as flooding, place.client({room: None}) as neighbour:
        probing = asyncio.create_task(longest_wait(neighbour))
        for id_ in range(total):
            await flooding.send(type="message", id=id_, room=room, data=id_, key=f"k{id_}")
        await flooding.until(
            lambda: len(flooding.of("ack")) + len(flooding.of("error")) == total,
            within=20,
            what="answers",
        )
        assert {frame["code"] for frame in flooding.of("error")} == {"rate_limited"}
        said = [frame["id"] for frame in flooding.of("ack")]
        await neighbour.frame("publication", number=len(said))
        assert [frame["data"] for frame in neighbour.of("publication")] == said
        assert await probing < LATE


async def longest_wait(client: Client) -> float:
    """Seconds that the slowest of some answers took."""
    waits = []
    for number in range(1, 31):
        asked = time.monotonic()
        await client.send(type="ping", sequence=number, client_time=0)
        await client.frame("pong", number=number)
        waits.append(time.monotonic() - asked)
        await asyncio.sleep(0.02)
    return max(waits)


async def test_absurd_positions_are_told_so(place: Place, room: str) -> None:
    at = {"epoch": "", "offset": 2**53}
    names = [f"{room}:{number}" for number in range(1000)]
    async with place.client(dict.fromkeys(names, at)) as client:
        entries = client.welcome["rooms"]
        assert len(entries) == 1 + 100  # with that of its user
        entry = entries[names[0]]
        assert (entry["recovered"], entry["reason"]) == (False, "epoch_changed")
        await client.frame("error", number=900)
        assert {frame["code"] for frame in client.of("error")} == {"too_many_rooms"}
        ahead = {"epoch": entry["epoch"], "offset": 2**53}
        await client.send(type="join", id=1, room=names[0], position=ahead)
        assert (await client.frame("joined"))["reason"] == "ahead"
        for wrong in ({**ahead, "offset": 2**53 + 1}, {**ahead, "offset": -1}, "begin"):
            await client.send(type="join", id=1, room=names[0], position=wrong)
        await client.frame("error", number=903)
        assert {frame["code"] for frame in client.of("error")[900:]} == {"invalid_message"}
        await place.outsider.tell(f"{names[0]} 20")
        await client.frame("publication", number=20)
    await eventually_in_thread(place.is_empty, what=await place.keeps())


@pytest.mark.parametrize("counts", [[2**53], [1], [0, 20, 19]], ids=["huge", "early", "falling"])
async def test_a_count_that_cannot_be_ends_the_connection(
    place: Place, room: str, counts: list[int]
) -> None:
    async with place.client({room: None}) as client:
        if len(counts) > 1:
            await place.outsider.tell(f"{room} 20")
            await client.frame("publication", number=20)
        for count in counts:
            await client.send(type="received", count=count)
        assert (await client.closed())[0] == 4007


async def test_a_count_that_is_none_is_malformed(place: Place) -> None:
    async with place.client() as client:
        for count in (-1, 2**53 + 1, 0.5, "1", None):
            await client.send(type="received", count=count)
        await client.frame("error", number=5)
        assert {frame["code"] for frame in client.of("error")} == {"invalid_message"}
        assert client.end is None
    assert not [line for line in place.server.complaints() if "store" not in line]
