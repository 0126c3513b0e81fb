"""One connection can hold little of a server, in both directions, even with bad intent."""

import os
import resource
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread

import psutil
import pytest

from tests.polling import eventually

from .server_support import BINARY, PING, TEXT, Peer, ServerProcess

MIB = 1024 * 1024
MORE = 2 * MIB  # what one bad client may add to a process
LATE = 0.5  # seconds; a healthy neighbour's answer takes about a millisecond


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[ServerProcess]:
    limits = {"max_message_size": 1_000_000, "close_timeout": 0.5, "handshake_timeout": 2.0}
    with ServerProcess(server=kind, limits=limits, user_timeout_ms=1500) as process:
        warm_up(process)
        yield process


def warm_up(server: ServerProcess) -> None:
    """Memory that is taken once is taken now."""
    with Peer(server.port).upgrade("/send") as peer:
        peer.text("go")
        for _ in range(200):
            peer.next_frame()
    with Peer(server.port).upgrade() as peer:
        peer.frame(BINARY, bytes(1_000_000))
        server.event("binary", size=1_000_000)


class Watch:
    """A process's memory, and a neighbour's waiting time, while something goes on."""

    def __init__(self, server: ServerProcess) -> None:
        self._process = psutil.Process(server.process.pid)
        self._server = server
        self._over = Event()
        self._before = self.grown = 0
        self.waits: list[float] = []

    def __enter__(self) -> "Watch":
        self._before = self._process.memory_info().rss
        self._thread = Thread(target=self._measure)
        self._thread.start()
        return self

    def _measure(self) -> None:
        with Peer(self._server.port).upgrade() as neighbour:
            while not self._over.wait(0.005) or len(self.waits) < 3:
                asked = time.monotonic()
                neighbour.text("well")
                assert neighbour.next_frame() == (TEXT, b"well")
                self.waits.append(time.monotonic() - asked)
                self.grown = max(self.grown, self._process.memory_info().rss - self._before)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def all_well(self) -> None:
        assert self.grown < MORE
        assert max(self.waits) < LATE


@contextmanager
def stopped(server: ServerProcess, path: str, *, sending: bool) -> Iterator[Peer]:
    """A peer that asks for a lot and reads nothing, but may go on sending as long as it can."""
    over = Event()

    def send() -> None:
        with suppress(OSError):
            while not over.wait(0.005):
                peer.text("still here")

    with Peer(server.port, receive_buffer=4096).upgrade(path) as peer:
        peer.text("go")
        thread = Thread(target=send if sending else over.wait)
        thread.start()
        try:
            yield peer
        finally:
            over.set()
            thread.join()


# Out: a reader that stops


@pytest.mark.parametrize("sending", [False, True], ids=["silent", "still sending"])
def test_a_connection_drops_a_reader_that_stops(server: ServerProcess, *, sending: bool) -> None:
    with Watch(server) as watch, stopped(server, "/connection", sending=sending) as peer:
        over = server.event("over", port=peer.port)
    assert over["ended"] == [4003, "slow consumer"]
    assert over["written"] < 300  # 3 MB of 100: the kernels' share, and a mebibyte
    watch.all_well()


@pytest.mark.parametrize("sending", [False, True], ids=["silent", "still sending"])
def test_send_waits_for_a_reader_that_stops(server: ServerProcess, *, sending: bool) -> None:
    with Watch(server) as watch, stopped(server, "/send", sending=sending) as peer:
        over = server.event("over", port=peer.port)
    assert over["written"] < 300
    watch.all_well()


def test_sent_and_written_frames_keep_their_order(server: ServerProcess) -> None:
    with Peer(server.port, receive_buffer=65536).upgrade("/order") as peer:
        peer.text("go")
        server.event("full")
        for number in range(21_000):
            opcode, payload = peer.next_frame()
            assert (opcode, int(payload)) == (TEXT, number)
        assert peer.closed_with()[0] == 4000
        over = server.event("over", port=peer.port)
    assert 0 < over["at_once"] < 7_000
    assert (over["early"], over["refused"], over["closing"], over["late"]) == (
        False,
        0,
        False,
        False,
    )


def test_an_application_that_sends_after_the_end_does_not_delay_others(kind: str) -> None:
    with ServerProcess(server=kind, limits={"application_timeout": 0.3}) as server:
        with Peer(server.port).upgrade("/endless") as peer:
            peer.text("go")
            peer.next_frame()
        with Peer(server.port) as peer:
            peer.request("/endless")
            peer.status()
        server.event("poured")
        assert served(server)


# In: a writer that floods

CONTINUED = bytes([0x00, 0x80]) + bytes(4)  # an empty fragment that is not the last
PING_FRAME = bytes([0x80 | PING, 0x80 | 125]) + bytes(4 + 125)


def sent_until_blocked(peer: Peer, data: bytes, *, limit: int) -> int:
    """How much of it can be sent, at most ``limit``, before nothing is taken for a while."""
    peer.socket.settimeout(0.5)
    sent = 0
    with suppress(TimeoutError):
        while sent < limit:
            sent += peer.socket.send(data)
    return sent


def test_an_application_that_reads_nothing_stops_the_client(server: ServerProcess) -> None:
    frame = bytes([0x80 | BINARY, 0x80 | 126]) + struct.pack("!H", 1000) + bytes(4 + 1000)
    with Peer(server.port).upgrade("/deaf") as peer:
        peer.text("go")
        with Watch(server) as watch:
            sent = sent_until_blocked(peer, frame * 60, limit=100 * MIB)
    assert sent < 50 * MIB  # what the kernels hold
    watch.all_well()


def test_endless_fragments_close_the_connection(server: ServerProcess) -> None:
    with Watch(server) as watch, Peer(server.port).upgrade() as peer:
        peer.frame(TEXT, b"", fin=False)
        with suppress(ConnectionError):  # it may be over before all are sent
            peer.send(CONTINUED * 100_000)
        assert peer.closed_with() == (1008, "too many fragments")
    watch.all_well()


def test_many_fragments_are_one_message(server: ServerProcess) -> None:
    with Peer(server.port).upgrade() as peer:
        peer.frame(TEXT, b"begin", fin=False)
        peer.send(CONTINUED * 4000)
        peer.frame(0, b" end")
        assert peer.next_frame() == (TEXT, b"begin end")


def test_a_peer_that_reads_no_pongs_is_dropped(server: ServerProcess) -> None:
    with Watch(server) as watch, stopped(server, "/echo", sending=False) as peer:
        eventually(lambda: refused(peer, PING_FRAME * 1000))
    watch.all_well()


def test_bodies_in_the_smallest_chunks_do_not_delay_others(server: ServerProcess) -> None:
    """Four at once, and a second's work in each."""
    body = b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n"
    with Watch(server) as watch, ExitStack() as stack:
        peers = [stack.enter_context(Peer(server.port)) for _ in range(4)]
        server.signal(signal.SIGSTOP)  # so that all of it is there when it looks
        for peer in peers:
            peer.request("/upload", "Transfer-Encoding: chunked")
            peer.send(body)
        server.signal(signal.SIGCONT)
        for peer in peers:
            assert peer.status() == 200
    assert server.event("uploaded")["size"] == 60_000
    watch.all_well()


def test_an_endless_head_is_refused(server: ServerProcess) -> None:
    with Watch(server) as watch, Peer(server.port) as peer:
        peer.send(b"GET / HTTP/1.1\r\nX: ")
        eventually(lambda: refused(peer, b"x" * 100_000), within=1)
    watch.all_well()


@pytest.mark.parametrize("last", ["request", "ask_upgrade"])
def test_pipelined_requests_are_not_kept(server: ServerProcess, last: str) -> None:
    """They come, a handshake among them, during an answer that the client does not read."""
    poured = server.count("poured")
    with Watch(server) as watch, Peer(server.port, receive_buffer=4096) as peer:
        peer.request("/endless")
        assert peer.status() == 200
        peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        getattr(peer, last)("/deaf")
        with pytest.raises(AssertionError):
            eventually(peer.gone, within=0.5)
    eventually(lambda: server.count("poured") > poured)
    watch.all_well()


def refused(peer: Peer, data: bytes) -> bool:
    """Send this; True when that has become impossible."""
    try:
        peer.send(data)
    except ConnectionError:
        return True
    return False


def test_a_flood_of_frames_is_closed(server: ServerProcess) -> None:
    frame = bytes([0x80 | BINARY, 0x81]) + bytes(4 + 1)
    with Watch(server) as watch, Peer(server.port).upgrade("/rated") as peer:
        peer.text("go")
        with suppress(ConnectionError):  # it may be over before all are sent
            peer.send(frame * 200_000)
        assert peer.closed_with() == (4004, "rate limit exceeded")
        over = server.event("over", port=peer.port)
    assert over["ended"] == [4004, "rate limit exceeded"]
    assert over["taken"] < 1000
    watch.all_well()


# File descriptors


def test_with_twenty_descriptors_left_a_server_answers_503_and_recovers(kind: str) -> None:
    with ServerProcess(server=kind) as server, ExitStack() as stack:
        crowd = [stack.enter_context(Peer(server.port).upgrade()) for _ in range(30)]
        leave(server, 20)
        asking: list[Callable[[Peer], None]] = [Peer.ask_upgrade, lambda peer: peer.request("/")]
        for ask in asking:
            with Peer(server.port) as peer:
                ask(peer)
                assert peer.status() == 503
                assert b"Too many connections" in peer.ended()
        crush = [stack.enter_context(Peer(server.port)) for _ in range(60)]
        for silent in crush:
            assert silent.left_behind() == b""
        for peer in crowd:
            peer.text("still served")
            assert peer.next_frame() == (TEXT, b"still served")
        assert server.logged("connections are turned away") == 1
        for peer in crowd[:20]:
            peer.socket.close()
        eventually(lambda: served(server))


def leave(server: ServerProcess, count: int) -> None:
    """Let it open so many descriptors, and no more."""
    pid = server.process.pid
    used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 1 + count, hard))


def served(server: ServerProcess) -> bool:
    with Peer(server.port) as peer:
        peer.request("/")
        return peer.status() == 200
