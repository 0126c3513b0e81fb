"""WebSocket handshakes and the heads of requests."""

import signal
import time

import pytest

from tests.polling import eventually

from ..server_support import TEXT, Peer, ServerProcess
from .stalling import refused


def test_the_scope_names_scheme_and_extension(server: ServerProcess) -> None:
    with Peer(server.port).upgrade():
        connect = server.event("connect", scheme="ws")
    assert {"realtime.frames", "realtime.server"} <= set(connect["extensions"])


def test_a_malformed_handshake_is_refused_quietly(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.request("/echo", "Upgrade: websocket", "Connection: Upgrade")
        assert peer.status() == 400
        peer.ended()
    with Peer(server.port).upgrade() as peer:  # by then the server has seen the end of it
        peer.text("well")
        assert peer.next_frame() == (TEXT, b"well")
    assert server.lines_with("AttributeError") == 0


def test_a_handshake_of_many_headers_is_answered(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.ask_upgrade("/echo", *(f"X-{number}: x" for number in range(200)))
        assert peer.status() in (101, 431)
    assert server.lines_with("AttributeError") == 0
    assert server.lines_with("AssertionError") == 0


@pytest.mark.parametrize("size", [3000, 5000, 8000])
def test_a_handshake_with_a_large_cookie_is_accepted(server: ServerProcess, size: int) -> None:
    """More than is parsed at a time; a site's cookies may well be."""
    with Peer(server.port) as peer:
        peer.ask_upgrade("/echo", f"Cookie: {'c' * size}")
        assert peer.status() == 101


def test_a_subprotocol_that_was_not_offered_fails_the_handshake(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.ask_upgrade("/subprotocol")
        assert peer.status() == 500
    server.logged("subprotocol 'not-offered' was not offered")


def test_data_before_the_answer_is_refused(server: ServerProcess) -> None:
    connects = server.count("connect")
    with Peer(server.port) as peer:
        peer.ask_upgrade("/never")
        eventually(lambda: server.count("connect") > connects)
        peer.send(b"too early")
        assert peer.status() == 400


def test_an_answer_after_the_refusal_is_ignored(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port) as peer:
        peer.ask_upgrade("/late")
        server.event("connect")
        peer.send(b"too early")
        assert peer.status() == 400
        peer.ended()
        server.event("disconnect")
        server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert server.lines_with("ERROR") == 0, server.log


@pytest.mark.parametrize("body", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_a_handshake_with_a_body_is_refused_before_the_body(
    server: ServerProcess, body: str
) -> None:
    connects = server.count("connect")
    with Peer(server.port) as peer:
        peer.ask_upgrade("/echo", body)
        assert peer.ended()[:12] in (b"HTTP/1.1 400", b"")  # uvicorn ends it without a word
    assert server.count("connect") == connects


def test_a_handshake_that_the_application_never_answers_is_refused(hasty: ServerProcess) -> None:
    with Peer(hasty.port) as peer:
        peer.ask_upgrade("/never")
        assert peer.status() == 503
        assert peer.ended() == b""


@pytest.mark.parametrize("begin", [b"GET", b"GET /echo HTTP/1.1\r\nUpgrade: websocket\r\n"])
def test_half_a_request_is_dropped(hasty: ServerProcess, begin: bytes) -> None:
    with Peer(hasty.port) as peer:
        peer.send(begin)
        eventually(peer.gone, within=3)


def test_half_a_request_is_dropped_while_bytes_trickle_in(hasty: ServerProcess) -> None:
    with Peer(hasty.port) as peer:
        peer.send(b"GET /echo HTTP/1.1\r\nX: ")
        eventually(lambda: refused(peer, b"x"), within=3)


def test_a_kept_connection_outlives_the_timeout_of_a_head(hasty: ServerProcess) -> None:
    with Peer(hasty.port) as peer:
        peer.request("/")
        assert peer.answer().startswith(b"HTTP/1.1 200")
        with pytest.raises(AssertionError):
            eventually(peer.gone, within=1.2)
        peer.request("/slow")
        assert peer.status() == 200


def test_a_kept_connection_stays_while_it_is_used(kind: str) -> None:
    limits = {"handshake_timeout": 0.8, "idle_timeout": 2.0}
    with ServerProcess(server=kind, limits=limits) as server, Peer(server.port) as peer:
        until = time.monotonic() + 2.5  # longer than it may be idle, and never seen at work
        while time.monotonic() < until:
            peer.request("/")
            assert peer.answer().endswith(b"ok\r\n0\r\n\r\n")
            time.sleep(0.05)
        time.sleep(0.9)  # the time of a head begins with its first byte
        peer.send(b"GET / HTTP/1.1\r\nHost: ")
        time.sleep(0.4)
        peer.send(b"localhost\r\n\r\n")
        assert peer.answer().startswith(b"HTTP/1.1 200")
