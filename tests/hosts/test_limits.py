"""Servers of others with clients that mean no good: limits, close codes and memory."""

import json
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.e2e.server_support import BINARY, CLOSE, PING, TEXT, Peer
from tests.e2e.support import Server, login, pong
from tests.polling import eventually

from .host_project import HostProject
from .test_servers import SERVERS

pytestmark = pytest.mark.matrix

MIB = 1024 * 1024
NO_CODE, NO_FRAME = 1005, 1006
WATCHED = 25  # seconds; gunicorn's workers ping every 20


@dataclass(frozen=True)
class Limits:
    """Close codes, of a message above 16 MiB and of a frame against RFC 6455; whether frames are
    compressed; seconds for which a head may be unfinished, 0 for ever; whether it sends ping
    frames within WATCHED seconds."""

    too_large: int
    broken: int
    compresses: bool
    head_timeout: int
    pings: bool


LIMITS = {
    "gunicorn": Limits(too_large=1009, broken=1002, compresses=True, head_timeout=0, pings=True),
    "granian": Limits(
        too_large=NO_CODE, broken=NO_CODE, compresses=False, head_timeout=30, pings=False
    ),
    "hypercorn": Limits(
        too_large=1009, broken=NO_FRAME, compresses=True, head_timeout=5, pings=False
    ),
}


@pytest.fixture(scope="module", params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def limits(name: str) -> Limits:
    return LIMITS[name]


@pytest.fixture(scope="module")
def project(name: str, template: Path, tmp_path_factory: pytest.TempPathFactory) -> HostProject:
    folder = tmp_path_factory.mktemp(name)
    home = {"HOME": str(folder)}  # where gunicorn has a socket for commands
    return HostProject.copy(template, folder, environ=home, ping_interval=10, pong_timeout=5)


@pytest.fixture(scope="module")
def server(name: str, project: HostProject) -> Iterator[Server]:
    with project.host(*SERVERS[name]) as server:
        yield server
        assert server.status("/realtime/live/") == 200  # after all this


@pytest.fixture(scope="module")
def cookie(server: Server) -> str:
    return login(server, "ann")


@pytest.fixture
def peer(server: Server, cookie: str) -> Iterator[Peer]:
    """A client without a session yet."""
    with Peer(server.port, receive_buffer=4096) as peer:
        yield peer.upgrade("/ws/", f"Cookie: {cookie}")


def session_of(peer: Peer) -> str:
    """The id of its session, after a hello that names a room."""
    hello = {"type": "hello", "protocol": 1, "client": "t", "rooms": {"chat:1": None}}
    peer.text(json.dumps(hello))
    return str(answer(peer)["session"])


def answer(peer: Peer) -> dict[str, object]:
    """The next message."""
    opcode, payload = peer.next_frame()
    assert opcode == TEXT
    message: dict[str, object] = json.loads(payload)
    return message


def end_of(peer: Peer) -> int:
    """The code of the close frame."""
    with suppress(ConnectionError):
        while True:
            opcode, payload = peer.next_frame()
            if opcode == CLOSE:
                return int(struct.unpack("!H", payload[:2])[0]) if payload else NO_CODE
    return NO_FRAME


def memory(server: Server) -> int:
    processes = [psutil.Process(server.process.pid), *server.children()]
    return sum(each.memory_info().rss for each in processes)


def test_a_message_that_is_far_too_large_ends_the_connection(peer: Peer, limits: Limits) -> None:
    session_of(peer)
    with suppress(ConnectionError):  # it may be over before all is sent
        peer.frame(BINARY, bytes(17 * MIB))
    assert end_of(peer) == limits.too_large


def test_a_message_may_have_any_number_of_fragments(peer: Peer) -> None:
    session_of(peer)
    peer.frame(TEXT, b'{"type":', fin=False)
    peer.send((bytes([0x00, 0x80]) + bytes(4)) * 5000)
    peer.frame(0, b'"nonsense"}')
    assert answer(peer)["code"] == "unknown_type"


def test_a_flood_of_messages_exceeds_our_rate(peer: Peer) -> None:
    session_of(peer)
    message = {"type": "message", "id": 1, "room": "chat:1", "data": "x", "key": "k"}
    with suppress(ConnectionError):
        for _ in range(2000):
            peer.text(json.dumps(message))
    assert end_of(peer) == 4004


@pytest.mark.parametrize("head", [0x83, 0xC1], ids=["unknown opcode", "reserved bit"])
def test_a_broken_frame_ends_the_connection(peer: Peer, limits: Limits, head: int) -> None:
    session_of(peer)
    peer.send(bytes([head, 0x80]) + bytes(4))
    assert end_of(peer) == limits.broken


def test_a_client_that_reads_nothing_is_ended_and_takes_no_memory(
    peer: Peer, server: Server, project: HostProject
) -> None:
    session, before = session_of(peer), memory(server)
    publish = "for i in range(200): api.publish('chat:1', 'x' * 60_000)"
    project.shell(f"from realtime import api\n{publish}")
    eventually(lambda: project.state(session) == "suspended", within=60)
    assert memory(server) - before < 6 * MIB  # of the 12 that were published


def test_compression(server: Server, cookie: str, limits: Limits) -> None:
    with Peer(server.port) as peer:
        offer = "Sec-WebSocket-Extensions: permessage-deflate"
        peer.ask_upgrade("/ws/", f"Cookie: {cookie}", offer)
        eventually(lambda: b"\r\n\r\n" in receive(peer))
        assert (b"permessage-deflate" in peer.received) is limits.compresses


def receive(peer: Peer) -> bytes:
    peer.received += peer.socket.recv(65536)
    return peer.received


def test_several_cookie_lines_are_one(server: Server, cookie: str) -> None:
    with Peer(server.port) as peer:
        peer.upgrade("/ws/", "Cookie: theme=dark", f"Cookie: {cookie}")
        assert session_of(peer)


def test_a_head_without_an_end(server: Server, limits: Limits) -> None:
    if not limits.head_timeout:
        pytest.skip("it waits for ever")
    with Peer(server.port) as peer:
        peer.send(b"GET /ws/ HTTP/1.1\r\nHost: x\r\n")
        peer.socket.settimeout(limits.head_timeout + 15)
        peer.ended()


def test_pings_and_a_body_without_an_end(peer: Peer, server: Server, limits: Limits) -> None:
    session_of(peer)
    with Peer(server.port) as sender:
        form = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 100"]
        head = ["POST /accounts/login/ HTTP/1.1", "Host: localhost", *form, "", ""]
        sender.send("\r\n".join(head).encode() + b"username=")
        opcodes = heard(peer, within=WATCHED)
        sender.send(b"x" * 91)
        assert sender.status() == 403  # it was read to its end, and lacks a token
    assert (PING in opcodes) is limits.pings


def heard(peer: Peer, *, within: float) -> set[int]:
    """The opcodes of the frames that arrive meanwhile; our own pings are answered."""
    opcodes, deadline = set(), time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0:
        peer.socket.settimeout(left)
        with suppress(TimeoutError):
            opcode, payload = peer.next_frame()
            opcodes.add(opcode)
            if opcode == TEXT and (message := json.loads(payload))["type"] == "ping":
                peer.text(json.dumps(pong(message)))
    return opcodes
