"""Plain HTTP requests on our servers."""

import signal
from contextlib import ExitStack

import pytest

from tests.polling import eventually

from ..server_support import Peer, ServerProcess
from .stalling import TOO_MUCH


def test_a_failed_request_is_answered_500(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.request("/raise")
        assert peer.status() == 500
    server.logged("raised before an answer")


@pytest.mark.parametrize("protocol", ["h2c", "h2c, websocket"])
def test_of_a_request_for_another_upgrade_the_view_sees_the_origin(
    server: ServerProcess, protocol: str
) -> None:
    """Django's check of foreign forms looks at it. Some clients offer HTTP/2 with all they ask."""
    with Peer(server.port) as peer:
        origin = f"https://{len(protocol)}.example"
        peer.request("/asked", f"Upgrade: {protocol}", f"Origin: {origin}")
        assert peer.status() == 200
    server.event("request", path="/asked", origin=origin)


def test_a_request_that_fails_within_its_answer_is_cut_off(server: ServerProcess) -> None:
    """Daphne's clean-up loop ends with it, for all connections and for good."""
    with Peer(server.port) as peer:
        peer.request("/half")
        with pytest.raises(ConnectionError):
            while peer.socket.recv(65536):
                pass
            raise ConnectionError("ended")
    server.logged("raised within an answer")
    with Peer(server.port).upgrade() as peer:
        peer.text("raise again")
        assert peer.closed_with()[0] == 1011


def test_a_body_that_turns_into_nonsense_is_not_logged_as_an_error(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port) as peer:
        peer.request("/endless", "Transfer-Encoding: chunked")
        peer.send(b"1\r\nx\r\n")
        if kind == "uvicorn":  # daphne hands on nothing that is not complete
            assert peer.status() == 200
        peer.send(b"nonsense\r\n")
        peer.left_behind()
        server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert server.lines_with("ERROR") == 0, server.log


def test_a_body_of_nonsense_gets_one_answer(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port) as peer:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        peer.send(head + b"1\r\nx\r\nnonsense\r\n")
        assert peer.status() == 400
        assert b"HTTP/1.1" not in peer.ended()
        server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert server.lines_with("ERROR") == 0, server.log


def test_an_answer_that_takes_long_to_read_is_not_cut_off(kind: str) -> None:
    """It is complete for the server once it is written, and the connection idle."""
    limits = {"handshake_timeout": 0.8, "idle_timeout": 0.4}
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess(server=kind, limits=limits))
        peer = stack.enter_context(Peer(server.port, receive_buffer=65536))
        peer.request("/large")
        assert peer.status() == 200
        with pytest.raises(AssertionError):
            eventually(peer.gone, within=1.5)
        assert len(peer.ended()) > TOO_MUCH
        assert peer.received.endswith(b"\r\n0\r\n\r\n")


def test_the_access_log_has_no_query_strings(server: ServerProcess) -> None:
    with Peer(server.port) as peer:
        peer.request("/page?ticket=secret")
        assert peer.status() == 200
    with Peer(server.port).upgrade("/echo?ticket=secret") as socket_peer:
        socket_peer.text("close 1000")
        socket_peer.closed_with()
    server.logged("GET /page 200")
    server.logged("WebSocket /echo connected")
    assert server.lines_with("secret") == 0
