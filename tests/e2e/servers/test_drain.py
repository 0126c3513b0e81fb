"""The drain of one server process."""

import signal
import time
from contextlib import ExitStack

import pytest

from tests.polling import eventually

from ..server_support import CLOSE, TEXT, Peer, ServerProcess
from .stalling import stalled


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_says_goodbye_to_every_client(number: signal.Signals, kind: str) -> None:
    with ServerProcess(server=kind) as server, ExitStack() as stack:
        clients = [stack.enter_context(Peer(server.port).upgrade()) for _ in range(30)]
        unknown = stack.enter_context(Peer(server.port).upgrade("/unknown"))
        slow, half, begun, idle, mute = (stack.enter_context(Peer(server.port)) for _ in range(5))
        stack.enter_context(stalled(server))
        half.send(b"GET / HTTP/1.1\r\nHost: ")
        begun.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        idle.request("/")
        assert idle.status() == 200
        mute.ask_upgrade("/never")
        slow.request("/slow")
        server.event("request", path="/slow")
        started = server.signal(number)
        assert {peer.closed_with() for peer in clients} == {(1001, "server shutting down")}
        assert unknown.closed_with()[0] == 1001
        assert mute.status() == 503
        assert slow.status() == 200
        assert server.exit_code(within=6) == 0
        assert time.monotonic() - started < 5
        server.event("drain", clients=31)
        server.event("end", connections=0)
        assert server.lines_with("Traceback") == 0, server.log


def test_a_connection_accepted_during_a_replacement_is_served() -> None:
    # Asyncio knows of a connection two turns before its protocol does; Twisted at once.
    with ServerProcess(server="uvicorn", replaced=True) as server:
        with Peer(server.port) as peer:
            time.sleep(0.1)
            peer.upgrade()
            assert peer.closed_with()[0] == 1001
        assert server.exit_code() == 0


def test_a_drain_without_clients_is_quick(kind: str) -> None:
    with ServerProcess(server=kind) as server:
        assert server.port
        started = server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert time.monotonic() - started < 1.5
        server.event("end", applications=0, connections=0)


def test_a_view_that_is_busy_in_a_thread_does_not_hold_the_process(kind: str) -> None:
    limits = {"drain_timeout": 1.0}
    with ServerProcess(server=kind, limits=limits) as server, Peer(server.port) as peer:
        peer.request("/stuck")
        server.event("request", path="/stuck")
        started = server.signal(signal.SIGTERM)
        assert server.exit_code(within=6) == 0
        assert time.monotonic() - started < 5
        server.event("end", applications=0, connections=0)


def test_a_client_that_does_not_answer_the_close_frame_is_dropped(kind: str) -> None:
    limits = {"close_timeout": 60.0, "drain_timeout": 0.5}
    with ServerProcess(server=kind, limits=limits) as server, Peer(server.port).upgrade() as peer:
        server.signal(signal.SIGTERM)
        assert peer.next_frame()[0] == CLOSE
        server.event("disconnect", code=1006)
        assert server.exit_code() == 0


def test_a_drain_does_not_wait_for_half_a_request(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port) as head, Peer(server.port) as body:
        head.send(b"GET / HTTP/1.1\r\nHost: ")
        body.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        started = server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert time.monotonic() - started < 1.5


def test_the_server_still_serves_during_the_delay(kind: str) -> None:
    with ServerProcess(server=kind, limits={"drain_delay": 1.0}) as server:
        port = server.port
        started = server.signal(signal.SIGTERM)
        server.event("begin_drain")
        with Peer(port).upgrade() as peer:
            peer.text("still served")
            assert peer.next_frame() == (TEXT, b"still served")
            assert peer.closed_with()[0] == 1001
        assert time.monotonic() - started > 0.95
        assert server.exit_code() == 0
        with pytest.raises(ConnectionRefusedError):
            Peer(port)


def test_no_handshake_completes_during_a_drain(kind: str) -> None:
    """Neither a new one nor a pending one nor one on a kept connection; the goodbye hangs."""
    limits = {"goodbye_timeout": 1.5}
    with ExitStack() as stack:
        server = stack.enter_context(ServerProcess(server=kind, drain="hang", limits=limits))
        kept = stack.enter_context(Peer(server.port))
        pending = stack.enter_context(Peer(server.port))
        kept.request("/slow")
        server.event("request", path="/slow")
        pending.ask_upgrade("/never")
        server.event("connect")
        started = server.signal(signal.SIGTERM)
        assert pending.status() == 503
        eventually(lambda: not accepts(server), within=0.5)
        assert time.monotonic() - started < 1
        kept.ask_upgrade()
        assert kept.status() == 200
        assert b"HTTP/1.1 101" not in kept.ended()
        assert server.exit_code() == 0


def accepts(server: ServerProcess) -> bool:
    try:
        Peer(server.port).socket.close()
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("raise", "drain failed: RuntimeError"),
        ("cancel", "drain failed: CancelledError"),
        ("hang", "drain took longer than"),
    ],
)
def test_a_goodbye_that_fails_does_not_stop_the_drain(fault: str, line: str, kind: str) -> None:
    options = {"server": kind, "drain": fault, "limits": {"goodbye_timeout": 1.0}}
    with ServerProcess(**options) as server, Peer(server.port).upgrade() as peer:
        started = server.signal(signal.SIGTERM)
        assert peer.closed_with() == (1001, "server shutting down")
        assert server.exit_code() == 0
        assert time.monotonic() - started < 5
        server.logged(line)


def test_an_application_that_does_not_end_is_cancelled(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port).upgrade() as peer:
        peer.text("linger")
        peer.text("never read")
        started = server.signal(signal.SIGTERM)
        assert peer.closed_with()[0] == 1001
        assert server.exit_code() == 0
        assert time.monotonic() - started < 5
        server.event("end", applications=0)


def test_such_an_application_is_cancelled_without_a_drain_too(kind: str) -> None:
    with ServerProcess(server=kind, limits={"application_timeout": 0.3}) as server:
        with Peer(server.port).upgrade() as peer:
            peer.text("linger")
        server.logged("did not end after its disconnect: cancelled")


def test_the_second_signal_ends_the_process_at_once(kind: str) -> None:
    with ServerProcess(server=kind, drain="hang") as server, Peer(server.port) as peer:
        peer.request("/stuck")
        server.event("request", path="/stuck")
        server.signal(signal.SIGTERM)
        server.event("drain")
        started = server.signal(signal.SIGINT)
        assert server.exit_code() == -signal.SIGINT
        assert time.monotonic() - started < 1
