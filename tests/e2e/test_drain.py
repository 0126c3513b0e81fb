"""The drain: every client gets a goodbye, no session is lost, and the process ends in time."""

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.polling import eventually, eventually_in_thread

from .server_support import CLOSE, Peer
from .support import Project, Server, connected, crowd, login

SIZE = 30
BOUND = 5.0

HELLO = '{"type":"hello","protocol":1}'
CLIENT_PING = '{"type":"ping","sequence":1}'
HIDDEN = '{"type":"visibility","state":"hidden"}'


def masked(text: str) -> bytes:
    """A frame of a client's, with a mask that changes nothing."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()


MANY_PINGS = masked(CLIENT_PING) * 200


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    # A generous rate, so that a stalled reader can be stuffed.
    return Project.copy(template, tmp_path, lease=2, message_rate="1000000,1000000")


async def exit_code(server: Server) -> int:
    return await asyncio.to_thread(server.exit_code)


def stalled_reader(project: Project, server: Server, cookie: str) -> Peer:
    """A welcomed peer that has stopped reading: more is owed to it than the kernels take, and
    not so much that it would be closed for it."""
    peer = Peer(server.port, receive_buffer=4096).upgrade("/ws/", f"Cookie: {cookie}")
    peer.text(HELLO)
    _, payload = peer.next_frame()
    id_ = json.loads(payload)["session"]
    # 260 kB of answers, where a server gives the kernel 128 at a time. Sent in one segment, before
    # the first answer: a kernel that has no room for what comes drops it with the
    # acknowledgements in it, and could be as stuck with what it sends itself.
    peer.send(masked(CLIENT_PING) * 1_500 + masked(HIDDEN))
    query = "SELECT 1 FROM realtime_livesession WHERE id = ? AND visibility = 'hidden'"
    eventually(lambda: project.rows(query, id_), within=30.0, what=server.log)
    return peer


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_reader_that_stops_is_closed_and_may_resume(project: Project, kind: str) -> None:
    with project.serve(server=kind) as server:
        with stalled_reader(project, server, login(server, "ann")) as peer:
            with suppress(ConnectionError):  # it may be over before all are sent
                for _ in range(100):
                    peer.send(MANY_PINGS)
            ended = "SELECT state, end_code FROM realtime_livesession WHERE state = 'suspended'"
            assert eventually(lambda: project.rows(ended), within=30.0) == [
                {"state": "suspended", "end_code": 4003}
            ]
        assert server.complaints() == []


def farewell_of(peer: Peer) -> list[str]:
    """The frames of a connection without a welcome, up to the close frame, which is answered."""
    heard = []
    while (frame := peer.next_frame())[0] != CLOSE:
        heard.append(str(json.loads(frame[1])["type"]))
    code, reason = frame[1][:2], frame[1][2:]
    peer.frame(CLOSE, code)
    return [*heard, f"close {int.from_bytes(code, 'big')} {reason.decode()}"]


@pytest.mark.parametrize(
    ("kind", "number"),
    [("daphne", signal.SIGTERM), ("daphne", signal.SIGINT), ("uvicorn", signal.SIGTERM)],
)
async def test_everyone_is_told_and_resumes_on_the_next_process(
    project: Project, kind: str, number: signal.Signals
) -> None:
    with project.serve(server=kind) as server, ExitStack() as stack:
        cookie = login(server, "ann")
        stack.enter_context(stalled_reader(project, server, cookie))
        fresh = stack.enter_context(Peer(server.port).upgrade("/ws/", f"Cookie: {cookie}"))
        half = stack.enter_context(Peer(server.port))
        half.send(b"GET /accounts/login/ HTTP/1.1\r\nHost: local")
        async with crowd(server, cookie, SIZE) as clients:
            assert project.count("connected") == SIZE + 1
            farewell = asyncio.create_task(asyncio.to_thread(farewell_of, fresh))
            started = time.monotonic()
            server.stop(number)
            for client in clients:
                assert await client.closed(within=BOUND) == (1001, "server shutting down")
            assert await exit_code(server) == 0
            assert time.monotonic() - started < BOUND
        assert await farewell == ["goodbye", "close 1001 server shutting down"]
        assert half.left_behind() == b""
        assert server.complaints() == []
    for client in clients:
        goodbye = client.frames[-1]
        assert (goodbye["type"], goodbye["code"], goodbye["reconnect"]) == ("goodbye", 1001, True)
        assert goodbye["delay"] == [0, 5000]
    ends = project.rows("SELECT state, end_code, worker FROM realtime_livesession")
    assert ends == [{"state": "suspended", "end_code": 1001, "worker": ""}] * (SIZE + 1)

    tickets = [client.ticket for client in clients]
    with project.serve(server=kind) as following:
        async with crowd(following, cookie, SIZE, tickets) as returned:
            assert all(client.welcome["resumed"] for client in returned)
            assert {client.id for client in returned} == {ticket["session"] for ticket in tickets}
            assert project.count("connected") == SIZE


async def test_plain_daphne_suspends_its_sessions_at_its_end(project: Project) -> None:
    with project.start("daphne", "-p", "0", "project.asgi:application") as server:
        async with connected(server, login(server, "ann")) as client:
            server.stop()
            assert await client.closed(within=BOUND)  # daphne may have cancelled it before
            assert await exit_code(server) == 0
        assert server.complaints() == []
    ends = project.rows("SELECT state, worker FROM realtime_livesession")
    assert ends == [{"state": "suspended", "worker": ""}]


async def test_without_clients_the_drain_is_quick(project: Project) -> None:
    with project.serve() as server:
        started = time.monotonic()
        server.stop()
        assert await exit_code(server) == 0
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_while_the_delay_passes_it_is_not_ready_and_serves(
    project: Project, kind: str
) -> None:
    with project.serve(server=kind, drain_delay=1.5) as server:
        cookie = login(server, "ann")
        assert server.status("/realtime/ready/") == 200
        async with connected(server, cookie) as client:
            started = time.monotonic()
            server.stop()
            await eventually_in_thread(lambda: server.status("/realtime/ready/") == 503, within=1)
            assert server.status("/realtime/live/") == 200
            assert server.status("/accounts/login/") == 200
            await client.send(type="ping", sequence=1)
            await client.frame("pong", within=1)
            assert client.end is None
            assert (await client.closed(within=4))[0] == 1001
            assert client.ended_at - started > 1.4
            assert await exit_code(server) == 0
            assert time.monotonic() - started < 1.5 + BOUND


@contextmanager
def write_lock(project: Project) -> Iterator[None]:
    """Hold the database's only write lock, as a process that hangs would."""
    with closing(sqlite3.connect(project.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_a_store_that_hangs_delays_nothing_beyond_the_bound(project: Project) -> None:
    with project.serve() as server:
        cookie = login(server, "ann")
        async with crowd(server, cookie, 5) as clients:
            with write_lock(project):
                started = time.monotonic()
                server.stop()
                for client in clients:
                    assert (await client.closed(within=BOUND))[0] == 1001
                assert await exit_code(server) == 0
                assert time.monotonic() - started < BOUND
        assert server.lines_with("Traceback") == []
    # The end of the lease does the rest, and no session is lost.
    with project.serve() as following:
        tickets = [client.ticket for client in clients]
        async with crowd(following, cookie, 5, tickets) as returned:
            assert all(client.welcome["resumed"] for client in returned)
        eventually(lambda: project.count("connected") == 0)
