"""What one connection can hold of a server: little, in both directions, whatever it does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import psutil
import pytest

from tests.e2e.server_support import BINARY, TEXT, Peer, ServerProcess

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
    """A process's memory, and a neighbour's patience, while something goes on."""

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
            while not self._over.wait(0.005):
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
        assert len(self.waits) > 3
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
def test_a_hub_is_rid_of_a_reader_that_stops(server: ServerProcess, *, sending: bool) -> None:
    with Watch(server) as watch, stopped(server, "/connection", sending=sending) as peer:
        over = server.event("over", port=peer.port)
    assert over["ended"] == [4003, "slow consumer"]
    assert over["written"] < 300  # 3 MB of 100: the kernels' share, and a mebibyte
    watch.all_well()


@pytest.mark.parametrize("sending", [False, True], ids=["silent", "still sending"])
def test_send_waits_for_a_reader_that_stops(server: ServerProcess, *, sending: bool) -> None:
    with Watch(server) as watch, stopped(server, "/send") as peer, sending(peer, active=active):
        over = server.event("over", port=peer.port)
    assert over["written"] < 300
    watch.all_well()


def test_sent_and_written_frames_keep_their_order(server: ServerProcess) -> None:
    with Peer(server.port, receive_buffer=65536).upgrade("/order") as peer:
        peer.text("go")
        for number in range(20_000):
            opcode, payload = peer.next_frame()
            assert (opcode, int(payload)) == (TEXT, number)
        assert peer.closed_with()[0] == 4000
        over = server.event("over", port=peer.port)
    assert (over["early"], over["refused"], over["closing"], over["late"]) == (
        False,
        0,
        False,
        False,
    )
