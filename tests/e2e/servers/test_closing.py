"""Close frames, and connections that do not end by themselves."""

import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.polling import eventually

from ..server_support import CLOSE, PING, Peer, ServerProcess
from .stalling import refused, stalled

PING_FRAME = bytes([0x80 | PING, 0x80]) + bytes(4)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 3000, 4001, 4999])
def test_every_close_code_reaches_the_client(server: ServerProcess, code: int) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text(f"close {code} because of that")
        assert peer.closed_with() == (code, "because of that")
        assert peer.ended() == b""


@pytest.mark.parametrize("code", [1001, 4001])
def test_a_common_client_sees_code_and_reason(server: ServerProcess, code: int) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/echo") as client:
        client.send(f"close {code} Grüße")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, "Grüße")


def test_a_long_reason_is_cut_between_characters(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text("close 4001 " + "é" * 100)
        assert peer.closed_with() == (4001, "é" * 61)


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 5000])
def test_an_impossible_code_is_the_applications_mistake(server: ServerProcess, code: int) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text(f"close {code}")
        assert peer.closed_with()[0] == 1011
    server.logged(f"{code} cannot be sent in a close frame")


def test_the_application_learns_code_and_reason_of_the_client(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.frame(CLOSE, struct.pack("!H", 4006) + b"frozen")
        assert peer.closed_with()[0] in (1000, 4006)  # daphne answers, uvicorn echoes
    server.event("disconnect", code=4006, reason="frozen")


def test_a_close_frame_without_a_code_is_1005(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.frame(CLOSE)
        peer.ended()
    server.event("disconnect", code=1005)


def test_a_failed_application_is_closed_at_once(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        started = time.monotonic()
        peer.text("raise a fault of the application")
        assert peer.closed_with()[0] == 1011
        assert time.monotonic() - started < 0.5
    server.logged("Exception inside application: a fault of the application")


def test_an_application_that_returns_leaves_no_open_connection(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text("return")
        assert peer.closed_with()[0] == 1000


def test_a_client_that_ignores_the_close_frame_is_dropped(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.text("close 4001")
        assert peer.next_frame()[0] == CLOSE
        eventually(peer.gone, within=2)


def test_a_client_with_a_second_to_answer_gets_it(server: ServerProcess, kind: str) -> None:
    """Autobahn's own timer would fire anywhere between now and its timeout."""
    with ServerProcess(server=kind, limits={"close_timeout": 5.0}) as patient:
        for _ in range(8):
            with Peer(patient.port).upgrade() as peer:
                peer.text("close 4001")
                assert peer.next_frame()[0] == CLOSE
                with pytest.raises(AssertionError):
                    eventually(peer.gone, within=0.15)


@pytest.mark.parametrize("sending", [False, True])
def test_a_stalled_reader_is_dropped_after_the_close(server: ServerProcess, sending: bool) -> None:
    disconnects = server.count("disconnect")
    with stalled(server) as peer:
        peer.text("close 4003")
        eventually(lambda: peer.gone() or (sending and refused(peer, PING_FRAME)), within=3)
        eventually(lambda: server.count("disconnect") > disconnects, within=3)


def test_a_stalled_reader_that_closes_is_dropped(server: ServerProcess) -> None:
    """Autobahn answers the close frame, then waits for a window that stays shut."""
    disconnects = server.count("disconnect")
    with stalled(server) as peer:
        peer.frame(CLOSE, struct.pack("!H", 1000))
        eventually(peer.gone, within=3)
        eventually(lambda: server.count("disconnect") > disconnects, within=3)
