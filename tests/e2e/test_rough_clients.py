"""Clients that come and go in storms, ask for the absurd or for too much, also while the store
hangs: every client gets what is its own, and when all have gone the worker holds nothing."""

import asyncio
import json
import random
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.polling import eventually, eventually_in_thread
from tests.redis_server import RedisServer

from .room_server import RoomServer, serve_rooms, unique_room
from .support import Client, Frame, Server

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


TASKS = 8  # of a worker without clients: its ticker, its listener, and now and then a job


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def room_server(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: RedisServer,
) -> Iterator[RoomServer]:
    with serve_rooms(
        template,
        tmp_path_factory.mktemp("rough"),
        request.param,
        redis=redis_server,
        script=PUBLISH,
        application="census",
        ping_interval=2.0,
        message_rate="2000,2000",
        log_length=10_000,
        store_timeout=1.0,
    ) as served:
        yield served


@pytest.fixture
def room() -> str:
    return unique_room()


async def keeps_nothing(server: Server) -> None:
    """Wait until the worker holds no session, room or subscription any more."""

    def is_empty() -> bool:
        counted = census(server)
        return counted.pop("tasks") <= TASKS and not any(counted.values())

    await eventually_in_thread(is_empty, what=lambda: census(server))


def census(server: Server) -> dict[str, int]:
    """How much the worker holds, by kind."""
    before = len(server.lines_with("census {"))
    server.process.send_signal(signal.SIGUSR2)
    lines = eventually(lambda: server.lines_with("census {")[before:], what="a census")
    counted: dict[str, int] = json.loads(lines[0].partition("census ")[2])
    return counted


# ---------------------------------------------------------------- coming and going


async def test_a_storm_of_joins_and_leaves_while_the_store_hangs(
    room_server: RoomServer, redis_server: RedisServer
) -> None:
    """Every request is answered, late or in vain, no client is sent away, and each is in exactly
    the rooms of its answers."""
    rooms = [f"chat:storm:{number}" for number in range(20)]
    async with room_server.crowd(30) as clients:
        storms = [asyncio.create_task(storm(client, rooms)) for client in clients]
        await eventually_in_thread(lambda: any(client.of("left") for client in clients))
        with redis_server.client() as redis:
            redis.client_pause(2500)
        await asyncio.gather(*storms)
        refused = {frame["code"] for client in clients for frame in client.of("error")}
        assert refused <= {"unavailable", "rate_limited"}
        for room in rooms:
            await room_server.publisher.request(f"{room} 20")
        for client in clients:
            inside = where(client)
            await client.frame("publication", number=20 * len(inside))
            assert {frame["room"] for frame in client.of("publication")} == inside
            assert client.end is None
    await keeps_nothing(room_server.server)


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
    """The rooms of its welcomes and answers."""
    rooms = set()
    for frame in answers(client):
        if frame["type"] == "joined":
            rooms.add(frame["room"])
        elif frame["type"] == "left":
            rooms.discard(frame["room"])
    return rooms


async def test_a_stream_into_a_room_while_members_come_and_go(
    room_server: RoomServer, room: str
) -> None:
    """A thousand publications as fast as they can be: those who stay get all of them, those who
    leave or are lost harm no other client, and those who come back again and again miss nothing."""
    total = 1000
    async with room_server.crowd(20, room) as staying, room_server.crowd(60, room) as going:
        epoch = staying[0].welcome["rooms"][room]["epoch"]
        stream = asyncio.create_task(room_server.publisher.request(f"{room} {total}"))
        returning = [
            asyncio.create_task(comes_and_goes(room_server, room, epoch, total)) for _ in range(5)
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
    await keeps_nothing(room_server.server)


async def has_heard_all(client: Client, total: int) -> None:
    """Each once and in order; a ping may have come after the last."""

    def last() -> int:
        return next((f["offset"] for f in reversed(client.frames) if "offset" in f), 0)

    await client.until(lambda: last() == total, within=20, what=("the last of", total))
    assert offsets(client) == list(range(1, total + 1))


async def comes_and_goes(room_server: RoomServer, room: str, epoch: str, total: int) -> list[int]:
    """Lose the connection again and again; the offsets of all publications received."""
    heard: list[int] = []
    while len(heard) < total:
        at = {"epoch": epoch, "offset": len(heard)}
        async with room_server.client({room: at}) as client:
            assert client.welcome["rooms"][room]["recovered"]
            await asyncio.sleep(random.uniform(0.01, 0.2))
            await client.lose()
            heard += offsets(client)
    return heard


def offsets(client: Client) -> list[int]:
    return [frame["offset"] for frame in client.of("publication")]


# ---------------------------------------------------------------- too much, and the absurd


async def test_a_flood_of_messages_is_served_as_far_as_it_can_be(
    room_server: RoomServer, room: str
) -> None:
    total = 1000
    async with (
        room_server.client({room: None}) as flooding,
        room_server.client({room: None}) as neighbour,
    ):
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


async def test_absurd_positions_are_told_so(room_server: RoomServer, room: str) -> None:
    at = {"epoch": "", "offset": 2**53}
    names = [f"{room}:{number}" for number in range(1000)]
    async with room_server.client(dict.fromkeys(names, at)) as client:
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
        await room_server.publisher.request(f"{names[0]} 20")
        await client.frame("publication", number=20)
    await keeps_nothing(room_server.server)


@pytest.mark.parametrize("counts", [[2**53], [1], [0, 20, 19]], ids=["huge", "early", "falling"])
async def test_a_count_that_cannot_be_ends_the_connection(
    room_server: RoomServer, room: str, counts: list[int]
) -> None:
    async with room_server.client({room: None}) as client:
        if len(counts) > 1:
            await room_server.publisher.request(f"{room} 20")
            await client.frame("publication", number=20)
        for count in counts:
            await client.send(type="received", count=count)
        assert (await client.closed())[0] == 4007


async def test_a_count_that_is_none_is_malformed(room_server: RoomServer) -> None:
    async with room_server.client() as client:
        for count in (-1, 2**53 + 1, 0.5, "1", None):
            await client.send(type="received", count=count)
        await client.frame("error", number=5)
        assert {frame["code"] for frame in client.of("error")} == {"invalid_message"}
        assert client.end is None
    assert not [line for line in room_server.server.complaints() if "store" not in line]
