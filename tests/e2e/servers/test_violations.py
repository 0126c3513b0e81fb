"""Messages that are too large, and violations of the protocol."""

import struct

import pytest

from tests.polling import eventually

from ..server_support import BINARY, TEXT, Peer, ServerProcess
from .stalling import refused

LIMIT = 1000 + 64 * 1024


def test_a_message_a_little_over_the_limit_reaches_the_application(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text("x" * LIMIT)
        assert peer.next_frame()[0] == TEXT


def test_a_larger_one_is_1009(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text("x" * (LIMIT + 1))
        assert peer.closed_with()[0] == 1009
        assert peer.ended() == b""
    server.event("disconnect", code=1009)


def test_a_larger_one_in_fragments_is_1009(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.frame(BINARY, bytes(40_000), fin=False)
        peer.frame(0, bytes(40_000))
        assert peer.closed_with()[0] == 1009


@pytest.mark.parametrize("size", [LIMIT + 1, 2**40, 2**63 - 1])
def test_an_oversized_frame_is_refused_at_its_header(server: ServerProcess, size: int) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.send(bytes([0x80 | BINARY, 0xFF]) + struct.pack("!Q", size) + bytes(4))
        assert peer.closed_with()[0] == 1009


def malformed(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes([first, second]) + rest


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        pytest.param(
            malformed(0x82, 0xFF, struct.pack("!Q", 2**63) + bytes(4)), (1002, 1009), id="2^63"
        ),
        pytest.param(malformed(0x81, 0x82, bytes(4) + b"\xc3\x28"), (1007,), id="bad UTF-8"),
        pytest.param(malformed(0x81, 0x81, bytes(4) + b"\xc3"), (1007,), id="cut UTF-8"),
        pytest.param(malformed(0x88, 0x83, bytes(4) + b"\x0f\xa1\xff"), (1007,), id="bad reason"),
        pytest.param(malformed(0x88, 0x82, bytes(4) + b"\x03\xed"), (1002,), id="close 1005"),
        pytest.param(malformed(0xC1, 0x80, bytes(4)), (1002,), id="reserved bit"),
        pytest.param(malformed(0x83, 0x80, bytes(4)), (1002,), id="reserved opcode"),
        pytest.param(malformed(0x81, 0x02, b"hi"), (1002,), id="unmasked"),
        pytest.param(malformed(0x80, 0x80, bytes(4)), (1002,), id="continuation of nothing"),
        pytest.param(malformed(0x89, 0xFE, b"\x00\x80" + bytes(132)), (1002,), id="long ping"),
    ],
)
def test_a_violation_is_answered_with_its_code(
    server: ServerProcess, data: bytes, codes: tuple[int, ...]
) -> None:
    with Peer(server.port).upgrade() as peer, Peer(server.port).upgrade() as neighbour:
        peer.send(data)
        assert peer.closed_with()[0] in codes
        assert peer.ended() == b""
        neighbour.text("well")
        assert neighbour.next_frame() == (TEXT, b"well")
    assert server.lines_with("Traceback") == server.lines_with("Exception inside application")


def test_after_a_violation_nothing_more_is_delivered(server: ServerProcess) -> None:
    received = server.count("binary")
    with Peer(server.port).upgrade() as peer:
        peer.send(malformed(0x81, 0x82, bytes(4) + b"\xc3\x28"))
        peer.frame(BINARY, b"after")
        assert peer.closed_with()[0] == 1007
        peer.frame(BINARY, b"later")
        peer.ended()
    with Peer(server.port).upgrade() as peer:  # a round trip later
        peer.frame(BINARY, b"other")
        server.event("binary", size=5)
    assert server.count("binary") == received + 1


def test_a_flood_after_a_violation_ends_in_bounded_time(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.send(bytes([0x80 | BINARY, 0xFF]) + struct.pack("!Q", 2**40) + bytes(4))
        eventually(lambda: refused(peer, bytes(100_000)), within=4)


def test_compression_is_not_negotiated(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.ask_upgrade("/echo", "Sec-WebSocket-Extensions: permessage-deflate")
        peer._at_least(1)
        eventually(lambda: b"\r\n\r\n" in peer.received)
        assert b"permessage-deflate" not in peer.received
