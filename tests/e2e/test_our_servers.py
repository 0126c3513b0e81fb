"""Our servers as their clients see them: real processes, real sockets."""

import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from realtime.servers.common.listeners import address_of, listen
from tests.polling import eventually

from .server_support import BINARY, CLOSE, PING, PONG, TEXT, Peer, ServerProcess

SHORT = {"ping_interval": 0.4, "ping_timeout": 0.8, "handshake_timeout": 0.5}
LIMIT = 1000 + 64 * 1024

PING_FRAME = bytes([0x80 | PING, 0x80]) + bytes(4)

# Larger than what two kernels hold for a connection, so that Twisted's buffer fills as well.
TOO_MUCH = 16_000_000


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which server; they are to behave alike."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[ServerProcess]:
    """One server with small numbers for the tests that leave it as it was."""
    limits = {"max_message_size": 1000, "close_timeout": 0.5}
    with ServerProcess(server=kind, limits=limits) as process:
        yield process


@pytest.fixture(scope="module")
def hasty(kind: str) -> Iterator[ServerProcess]:
    """One whose deadlines are short, its ping timeout longer than the interval."""
    with ServerProcess(server=kind, limits=SHORT) as process:
        yield process


def stalled(server: ServerProcess, path: str = "/echo") -> Peer:
    """A peer that has stopped reading, with every buffer on the way full."""
    peer = Peer(server.port, receive_buffer=4096).upgrade(path)
    before = server.count("sent")
    peer.text(f"send {TOO_MUCH}")
    eventually(lambda: server.count("sent") > before)
    return peer


# Closing


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


def refused(peer: Peer, data: bytes) -> bool:
    """Send this; True when that has become impossible."""
    try:
        peer.send(data)
    except ConnectionError:
        return True
    return False


def test_a_stalled_reader_that_closes_is_dropped(server: ServerProcess) -> None:
    """Autobahn answers the close frame, then waits for a window that stays shut."""
    disconnects = server.count("disconnect")
    with stalled(server) as peer:
        peer.frame(CLOSE, struct.pack("!H", 1000))
        eventually(peer.gone, within=3)
        eventually(lambda: server.count("disconnect") > disconnects, within=3)


# Sizes and faults of the protocol


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


def test_after_a_violation_nothing_more_is_obeyed(server: ServerProcess) -> None:
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


# Handshakes


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


def test_an_answer_that_comes_after_the_refusal_is_nobodys_fault(kind: str) -> None:
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
        time.sleep(0.9)  # a head has its own time, whatever was before it
        peer.send(b"GET / HTTP/1.1\r\nHost: ")
        time.sleep(0.4)
        peer.send(b"localhost\r\n\r\n")
        assert peer.answer().startswith(b"HTTP/1.1 200")


# Pings


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
                eventually(peer.gone, within=0.6)
            peer.frame(PONG, payload)
        peer.text("alive")
        assert peer.next_frame() == (TEXT, b"alive")


def test_data_in_place_of_pongs_will_do(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        for _ in range(3):
            assert peer.next_frame()[0] == PING
            peer.frame(BINARY, b"data")
        peer.text("alive")
        assert peer.next_frame() == (TEXT, b"alive")


def test_parts_of_a_long_message_are_data(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        peer.send(bytes([0x80 | BINARY, 0x80 | 12]) + bytes(4))
        for _ in range(12):
            with pytest.raises(AssertionError):
                eventually(peer.gone, within=0.2)
            peer.send(b"x")
        hasty.event("binary", size=12)


def test_an_unasked_pong_is_no_answer(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        assert peer.next_frame()[0] == PING
        peer.frame(PONG, b"unasked")
        eventually(peer.gone, within=2)
        assert peer.left_behind() == b""  # no second ping: the first one stayed unanswered


def test_half_a_header_and_silence_is_dropped(hasty: ServerProcess) -> None:
    with Peer(hasty.port).upgrade() as peer:
        peer.send(bytes([0x80 | TEXT]))
        eventually(peer.gone, within=3)


def test_an_exception_in_one_connection_costs_only_that_connection(kind: str) -> None:
    with ServerProcess(server=kind, limits=SHORT) as server:
        with Peer(server.port).upgrade("/broken") as broken:
            eventually(broken.gone, within=3)
        assert server.logged("this check is broken") >= 1
        with Peer(server.port).upgrade() as peer:
            assert peer.next_frame()[0] == PING
            eventually(peer.gone, within=3)
        assert server.lines_with("RuntimeError: this check is broken") == 1


# HTTP


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


def test_a_body_that_breaks_off_into_nonsense_is_nobodys_fault(kind: str) -> None:
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


def test_a_body_of_nonsense_is_refused_and_nothing_else_said(kind: str) -> None:
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


# The drain


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_says_goodbye_to_everyone_whatever_is_around(
    number: signal.Signals, kind: str
) -> None:
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


def test_one_accepted_in_the_moment_of_replacement_is_let_in() -> None:
    # Asyncio knows of a connection two turns before its protocol does; Twisted at once.
    with ServerProcess(server="uvicorn", replaced=True) as server:
        with Peer(server.port) as peer:
            time.sleep(0.1)
            peer.upgrade()
            assert peer.closed_with()[0] == 1001
        assert server.exit_code() == 0


def test_a_drain_with_nothing_around_is_quick(kind: str) -> None:
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


def test_who_does_not_answer_the_close_frame_is_dropped_and_the_application_told(kind: str) -> None:
    limits = {"close_timeout": 60.0, "drain_timeout": 0.5}
    with ServerProcess(server=kind, limits=limits) as server, Peer(server.port).upgrade() as peer:
        server.signal(signal.SIGTERM)
        assert peer.next_frame()[0] == CLOSE
        server.event("disconnect", code=1006)
        assert server.exit_code() == 0


def test_nobody_waits_for_half_a_request(kind: str) -> None:
    with ServerProcess(server=kind) as server, Peer(server.port) as head, Peer(server.port) as body:
        head.send(b"GET / HTTP/1.1\r\nHost: ")
        body.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        started = server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert time.monotonic() - started < 1.5


def test_while_the_delay_passes_it_still_serves(kind: str) -> None:
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


def test_in_the_drain_no_handshake_comes_to_its_end(kind: str) -> None:
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


def test_outside_of_a_drain_it_is_cancelled_as_well(kind: str) -> None:
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


# Starting


def test_a_taken_port_is_said_at_once(server: ServerProcess, kind: str) -> None:
    with ServerProcess(server=kind, port=server.port) as second:
        assert "Address already in use" in second.event("taken")["error"]
        assert second.exit_code() == 1


def test_an_accepted_socket_gives_up_on_a_peer_that_acknowledges_nothing() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(address_of(listener)):
            accepted, _ = listener.accept()
        with accepted:
            timeout = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert timeout == 20_000


def test_ipv6(kind: str) -> None:
    with ServerProcess(server=kind, host="::1") as server, socket.socket(socket.AF_INET6) as client:
        client.connect(("::1", server.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_a_failed_start_is_raised_and_nothing_is_served(kind: str) -> None:
    with ServerProcess(server=kind, start="raise") as server:
        assert server.exit_code() == 1
        server.logged("RuntimeError: start failed")
        assert server.count("listening") == 0


def test_a_signal_during_the_start_ends_it(kind: str) -> None:
    with ServerProcess(server=kind, start="hang") as server:
        server.event("start")
        server.signal(signal.SIGTERM)
        assert server.exit_code() == 0
        assert server.count("listening") == 0


def test_one_address_is_reported(server: ServerProcess) -> None:
    details: dict[str, Any] = server.event("listening")
    assert details["host"] == "127.0.0.1"
    assert details["port"] > 0
