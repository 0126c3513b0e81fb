"""Pings, and the deadlines of their answers."""

import time

import pytest

from tests.polling import eventually

from ..server_support import BINARY, PING, PONG, TEXT, Peer, ServerProcess
from .stalling import SHORT


def test_a_silent_client_is_pinged_once_and_dropped_after_the_timeout(
    hasty: ServerProcess,
) -> None:
    with Peer(hasty.port).upgrade() as peer:
        opened = time.monotonic()
        assert peer.next_frame()[0] == PING
        pinged = time.monotonic()
        assert 0.35 < pinged - opened < 0.9
        eventually(peer.gone, within=3)
        # Twice the interval and no second ping; the whole timeout, and not much more.
        assert 0.75 < time.monotonic() - pinged < 1.4
        assert peer.left_behind() == b""


def test_a_client_whose_pongs_take_longer_than_the_interval_stays(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        for _ in range(3):
            opcode, payload = peer.next_frame()
            assert opcode == PING
            with pytest.raises(AssertionError):
                eventually(peer.gone, within=0.45)
            peer.frame(PONG, payload)
        peer.text("alive")
        assert peer.next_frame() == (TEXT, b"alive")


def test_data_counts_as_a_pong(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        for _ in range(3):
            assert peer.next_frame()[0] == PING
            peer.frame(BINARY, b"data")
        peer.text("alive")
        assert peer.next_frame() == (TEXT, b"alive")


def test_parts_of_a_long_message_count_as_data(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        peer.send(bytes([0x80 | BINARY, 0x80 | 12]) + bytes(4))
        for _ in range(12):
            with pytest.raises(AssertionError):
                eventually(peer.gone, within=0.2)
            peer.send(b"x")
        hasty.event("binary", size=12)


def test_an_unsolicited_pong_is_ignored(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        assert peer.next_frame()[0] == PING
        peer.frame(PONG, b"unasked")
        eventually(peer.gone, within=2)
        assert peer.left_behind() == b""  # no second ping: the first one stayed unanswered


def test_half_a_header_and_silence_is_dropped(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        peer.send(bytes([0x80 | TEXT]))
        eventually(peer.gone, within=3)


def test_an_exception_in_one_connection_ends_only_that_one(kind: str) -> None:
    with ServerProcess(server=kind, limits=SHORT) as server:
        with Peer(server.port).upgrade("/broken") as broken:
            eventually(broken.gone, within=3)
        assert server.logged("this check is broken") >= 1
        with Peer(server.port).upgrade() as peer:
            assert peer.next_frame()[0] == PING
            eventually(peer.gone, within=3)
        assert server.lines_with("RuntimeError: this check is broken") == 1
