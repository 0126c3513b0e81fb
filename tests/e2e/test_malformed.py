"""Malformed frames: each is answered, no other client is disturbed, nothing is logged."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from .server_support import BINARY, CLOSE, PING, PONG, ROOT, TEXT, Peer
from .support import Client, Frame, Project, Server, connected, dialled, login

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/vectors/malformed.json").read_text())
LIMIT = 1_000_000  # the vectors' own
HELLO = '{"type":"hello","protocol":1}'


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("malformed")
    return Project.copy(template, folder, ping_interval=0.2, max_message_size=LIMIT)


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(project: Project, request: pytest.FixtureRequest) -> Iterator[Server]:
    with project.serve(server=request.param) as process:
        yield process


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture(autouse=True)
def quiet_log(server: Server) -> Iterator[None]:
    """The server logs no error for the frames of any test."""
    yield
    assert server.complaints() == []


def text_of(pieces: str | Sequence[str | tuple[str, int]]) -> str:
    """A frame of the vectors: a text, or pieces of which some are repeated."""
    if isinstance(pieces, str):
        return pieces
    return "".join(p if isinstance(p, str) else p[0] * p[1] for p in pieces)


# The table


def test_the_table_is_long_enough() -> None:
    assert len(VECTORS["frames"]) >= 60


async def test_each_is_answered_and_a_neighbour_notices_nothing(
    project: Project, server: Server, cookie: str
) -> None:
    async with neighbour(server, cookie) as (healthy, waits):
        for start in range(0, len(VECTORS["frames"]), 9):
            few = VECTORS["frames"][start : start + 9]  # the tenth would be the last
            async with connected(server, cookie) as client:
                await all_answered(client, few)
        await healthy.frame("ping", number=3)
    assert len(waits) > 5
    assert max(waits) < 0.5
    query = "SELECT sum(misses) AS misses FROM realtime_livesession"
    assert project.rows(query) == [{"misses": 0}]


async def all_answered(client: Client, few: Sequence[Frame]) -> None:
    """Each gets its error, and after all of them the connection still serves."""
    for number, vector in enumerate(few, start=1):
        await client.connection.send(text_of(vector["text"]))
        error = await client.frame("error", number=number, within=5)
        assert error["code"] == vector["code"], vector["name"]
        assert error["detail"], vector["name"]
    await client.send(type="ping", sequence=1)
    await client.frame("pong", within=5)
    assert len(client.of("error")) == len(few)


@asynccontextmanager
async def neighbour(server: Server, cookie: str) -> AsyncIterator[tuple[Client, list[float]]]:
    """A healthy connection, and what it has waited for the answers to its own pings."""
    waits: list[float] = []

    async def measure() -> None:
        for sequence in range(1, 100_000):
            asked = time.monotonic()
            await client.send(type="ping", sequence=sequence)
            await client.frame("pong", number=sequence)
            waits.append(time.monotonic() - asked)
            await asyncio.sleep(0.02)  # a rate far from the limit

    async with connected(server, cookie) as client:
        measuring = asyncio.create_task(measure())
        yield client, waits
        assert client.end is None
        measuring.cancel()


async def test_numbers_that_take_long_to_read_delay_no_other_client(
    server: Server, cookie: str
) -> None:
    """Some parsers need 23 µs for each of these; and there need be no hello."""
    async with neighbour(server, cookie) as (healthy, waits), dialled(server, cookie) as client:
        for number in range(1, 9):
            await client.send(type="message", id=number, room="a", key="k", data=[1e300] * 8_000)
        await client.frame("error", number=8)
        await healthy.frame("ping", number=1)
        assert {error["code"] for error in client.of("error")} == {"not_ready"}
    assert max(waits) < 0.5


# The tenth


async def test_the_tenth_is_answered_and_is_the_last(
    project: Project, server: Server, cookie: str
) -> None:
    async with connected(server, cookie) as client:
        for _ in range(10):
            await client.connection.send("nonsense")
        assert await client.closed() == (4505, "protocol errors")
    assert [frame["type"] for frame in client.frames] == ["welcome", *["error"] * 10, "goodbye"]
    goodbye = client.of("goodbye")[0]
    assert (goodbye["code"], goodbye["reconnect"]) == (4505, False)
    assert project.history(client.id)["code"] == 4505


async def test_the_tenth_before_hello_too(server: Server, cookie: str) -> None:
    async with dialled(server, cookie) as client:
        for _ in range(10):
            await client.send(type="visibility", state="visible")
        assert (await client.closed())[0] == 4505
    assert [error["code"] for error in client.of("error")] == ["not_ready"] * 10


# Hello


async def test_before_hello_nothing_else_is_served(server: Server, cookie: str) -> None:
    async with dialled(server, cookie) as client:
        await client.send(type="ping", sequence=1)
        assert (await client.frame("error", number=1))["code"] == "not_ready"
        await client.connection.send(b"binary")
        assert (await client.frame("error", number=2))["code"] == "not_ready"
        await client.connection.send("{")
        assert (await client.frame("error", number=3))["code"] == "invalid_json"
        await client.hello()
        await client.frame("welcome")


async def test_a_second_hello_changes_nothing(server: Server, cookie: str) -> None:
    async with connected(server, cookie) as client:
        await client.hello()
        assert (await client.frame("error"))["code"] == "invalid_message"
        await client.send(type="ping", sequence=1)
        await client.frame("pong")
        assert len(client.of("welcome")) == 1


@pytest.mark.parametrize("protocol", [0, 2, -1])
async def test_another_version_of_the_protocol(server: Server, cookie: str, protocol: int) -> None:
    async with dialled(server, cookie) as client:
        await client.send(type="hello", protocol=protocol)
        code, reason = await client.closed()
    assert (code, client.of("goodbye")[0]["code"]) == (4505, 4505)
    assert "expected protocol 1" in reason


# Frames as bytes


@pytest.fixture
def peer(server: Server, cookie: str) -> Iterator[Peer]:
    """A raw connection that has been welcomed."""
    with Peer(server.port).upgrade("/ws/", f"Cookie: {cookie}") as raw:
        raw.text(HELLO)
        assert next_message(raw)["type"] == "welcome"
        yield raw


def next_message(peer: Peer) -> Frame:
    """The next frame that is not a beat."""
    while True:
        opcode, payload = peer.next_frame()
        if opcode == TEXT and (message := json.loads(payload))["type"] != "ping":
            return dict(message)
        assert opcode == TEXT, (opcode, payload)


def still_served(peer: Peer) -> bool:
    peer.text('{"type":"ping","sequence":7}')
    return bool(next_message(peer)["sequence"] == 7)


@pytest.mark.parametrize(
    ("opcode", "payload", "code"),
    [
        (TEXT, b"", "invalid_json"),
        (TEXT, b"{", "invalid_json"),
        (BINARY, b"", "invalid_message"),
        (BINARY, b"\x00\xff", "invalid_message"),
        (BINARY, HELLO.encode(), "invalid_message"),
        (TEXT, b"x" * (LIMIT + 1), "invalid_message"),
        (BINARY, b"x" * (LIMIT + 1), "invalid_message"),
    ],
    ids=["empty", "half", "no bytes", "bytes", "a message in bytes", "too long", "too many bytes"],
)
def test_a_frame_is_answered(peer: Peer, opcode: int, payload: bytes, code: str) -> None:
    peer.frame(opcode, payload)
    error = next_message(peer)
    assert (error["type"], error["code"]) == ("error", code)
    assert still_served(peer)


def test_a_message_in_fragments_is_one_message(peer: Peer) -> None:
    peer.frame(TEXT, b'{"type":', fin=False)
    peer.frame(PING, b"between")
    assert peer.next_frame() == (PONG, b"between")
    peer.frame(0, b'"nope"}')
    assert next_message(peer)["code"] == "unknown_type"
    assert still_served(peer)


@pytest.mark.parametrize(
    ("opcode", "payload", "fin", "code"),
    [
        (TEXT, b"x" * (LIMIT * 2), True, 1009),
        (TEXT, b'{"type":"\xff\xfe"}', True, 1007),
        (TEXT, b"\xed\xa0\x80", True, 1007),
        (3, b"reserved opcode", True, 1002),
        (0, b"a continuation of nothing", True, 1002),
        (PING, b"a part of a ping", False, 1002),
        (PING, b"x" * 126, True, 1002),
        (CLOSE, b"\x03", True, 1002),
    ],
    ids=[
        "far too long", "not UTF-8", "a surrogate", "opcode", "continuation", "control fragment",
        "long control", "half a code",
    ],
)  # fmt: skip
def test_what_is_no_websocket_is_closed(
    peer: Peer, opcode: int, payload: bytes, fin: bool, code: int
) -> None:
    peer.frame(opcode, payload, fin=fin)
    assert peer.closed_with()[0] == code


def test_too_many_frames_are_closed(server: Server, cookie: str, peer: Peer) -> None:
    for _ in range(450):
        peer.text('{"type":"visibility","state":"visible"}')
    assert peer.closed_with() == (4004, "rate limit exceeded")
