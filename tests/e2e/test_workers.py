"""``serve --workers``: several processes look like one, even if one of them fails."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import quantiles

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.polling import TIMEOUT, eventually, eventually_in_thread

from .service_manager import ServiceManager
from .support import ANSWERING, STARTING, Frame, Project, Server, connected, crowd, dialled, login

SIZE = 40
CROWD = 500
KNOCKERS = 5
SPREAD_MS = 2000
DRAIN = 6.0  # the five seconds of a drain, and a second for a loaded machine

PER_WORKER = """
SELECT worker, count(*) AS n FROM realtime_livesession WHERE state = 'connected' GROUP BY worker
"""
SESSIONS_OF = """
SELECT id FROM realtime_livesession WHERE worker = (SELECT id FROM realtime_worker WHERE pid = ?)
"""


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project.copy(
        template, tmp_path, lease=1.5, flush_interval=0.3, drain_spread=SPREAD_MS / 1000
    )


def start(project: Project, *options: str) -> Server:
    return project.start("manage.py", "serve", "--port", "0", "--workers", "2", *options)


@contextmanager
def serve(project: Project, *options: str) -> Iterator[Server]:
    """A supervisor whose workers all serve."""
    server = start(project, *options)

    def settled() -> bool:
        return bool(server.lines_with("Serving on")) or server.process.poll() is not None

    with ExitStack() as stack:
        stack.push(server)
        eventually(settled, within=STARTING, what=server.log)
        assert server.port
        yield server


def pids(server: Server) -> set[int]:
    return {child.pid for child in server.children()}


def gone(pid: int) -> bool:
    """Whether the process has ended; init may not have buried it yet."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def shares(project: Project) -> list[int]:
    """How many clients each worker has."""
    return [row["n"] for row in project.rows(PER_WORKER)]


def health(server: Server) -> tuple[int, int]:
    """Connections and workers, as whichever worker answers has them."""
    answer = httpx.get(f"{server.url}/realtime/health/", timeout=ANSWERING).json()
    return answer["total_connections"], answer["workers"]


def assert_a_second_one_is_refused(project: Project, server: Server) -> None:
    """In one line, though it too would share the port."""
    second = project.manage("serve", f"--port={server.port}", "--workers=2", check=False)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "is already in use" in second.stderr


async def test_several_look_like_one(project: Project, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with serve(project, "--pid-file", str(pid_file)) as server:
        assert pid_file.read_text() == f"{server.process.pid}\n"
        workers = server.children()
        assert len(workers) == 2
        async with crowd(server, login(server, "ann"), SIZE) as clients:
            assert len(shares(project)) == 2
            assert sum(shares(project)) == SIZE
            for _ in range(8):  # each on a connection of its own, so both are asked
                await eventually_in_thread(lambda: health(server) == (SIZE, 2))
            assert len(project.sessions()) == SIZE
            await asyncio.to_thread(assert_a_second_one_is_refused, project, server)
            # As systemd does it: every process gets the signal, and the workers only one.
            for pid in (*(worker.pid for worker in workers), server.process.pid):
                os.kill(pid, signal.SIGTERM)
            for client in clients:
                assert await client.closed() == (1001, "server shutting down")
        assert server.exit_code() == 0
        assert all(gone(worker.pid) for worker in workers)
        assert server.complaints() == []
        assert not pid_file.exists()
        assert project.count("suspended") == SIZE
        for name in ("parent", "worker 1", "worker 2"):
            assert server.lines_with(f" {name} "), name


async def test_a_worker_that_is_killed_is_replaced_and_its_sessions_resume(
    project: Project,
) -> None:
    with serve(project) as server:
        cookie = login(server, "ann")
        async with crowd(server, cookie, SIZE) as clients:
            victim, other = server.children()
            doomed = {row["id"] for row in project.rows(SESSIONS_OF, victim.pid)}
            lost = [client for client in clients if client.id in doomed]
            assert 0 < len(lost) < SIZE
            victim.kill()
            for client in lost:
                assert await client.closed() == (1006, "")
            tickets = [client.ticket for client in lost]
            async with crowd(server, cookie, len(lost), tickets) as returned:
                assert all(client.welcome["resumed"] for client in returned)
                await eventually_in_thread(lambda: project.count("connected") == SIZE)
                assert [client.end for client in clients].count(None) == SIZE - len(lost)
                await eventually_in_thread(lambda: len(pids(server)) == 2)
                assert victim.pid not in pids(server)
                assert other.pid in pids(server)
                assert len(server.lines_with("ended: signal 9")) == 1
        server.stop()
        assert server.exit_code() == 0


class Guest:
    """A client that comes back with its session after every close."""

    def __init__(self, server: Server, cookie: str) -> None:
        self.server = server
        self.cookie = cookie
        self.ticket: Frame | None = None
        self.turn = 0
        self.visits: list[tuple[float, bool]] = []  # when welcomed, and whether resumed
        self.windows: list[list[int]] = []

    def _next_turn(self) -> int:
        self.turn += 1
        return self.turn

    async def stay(self) -> None:
        """Until cancelled. A handshake that fails raises."""
        while True:
            async with dialled(self.server, self.cookie) as client:
                with suppress(ConnectionClosed):  # by a drain that began after the handshake
                    await client.hello(self.ticket and {**self.ticket, "turn": self._next_turn()})
                await client.until(lambda: bool(client.frames), within=ANSWERING, what="a word")
                if client.of("welcome"):
                    self.ticket = client.ticket
                    self.visits.append((time.monotonic(), client.welcome["resumed"]))
                code, _ = await client.closed(within=STARTING)
                assert code == 1001
                self.windows.append(client.of("goodbye")[0]["delay"])
            await asyncio.sleep(random.uniform(*self.windows[-1]) / 1000)


def all_came(guests: list[Guest], times: int) -> bool:
    return all(len(guest.visits) >= times for guest in guests)


async def knock(server: Server, cookie: str) -> None:
    """One handshake after the other, until cancelled. One that fails raises."""
    while True:
        async with dialled(server, cookie):
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)  # a busy machine; a quiet one takes twenty seconds
@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_a_rolling_restart_loses_and_refuses_no_client(project: Project, kind: str) -> None:
    # A crowd on a loaded machine must not look like a store that is away. Its address is one.
    project.env.update(REALTIME_LEASE="15", REALTIME_STORE_TIMEOUT="5", REALTIME_MAX_UNGREETED="0")
    with serve(project, "--server", kind) as server:
        before, cookie = pids(server), login(server, "ann")
        guests = [Guest(server, cookie) for _ in range(CROWD)]
        async with asyncio.TaskGroup() as group:
            staying = [group.create_task(guest.stay()) for guest in guests]
            await eventually_in_thread(partial(all_came, guests, 1), within=STARTING)
            # Some handshakes are always under way.
            staying += [group.create_task(knock(server, cookie)) for _ in range(KNOCKERS)]
            server.stop(signal.SIGHUP)
            await eventually_in_thread(lambda: server.lines_with(": reloaded"), within=STARTING)
            await eventually_in_thread(partial(all_came, guests, 2), within=STARTING)
            await eventually_in_thread(lambda: project.count("connected") == CROWD, within=STARTING)
            for task in staying:
                task.cancel()
        assert len(pids(server)) == 2
        assert not pids(server) & before
        assert server.complaints() == []
        server.stop()
        assert server.exit_code() == 0
    assert len(project.rows("SELECT id FROM realtime_livesession")) == CROWD  # no session more
    returns = [at for guest in guests for at, _ in guest.visits[1:]]
    assert all(resumed for guest in guests for _, resumed in guest.visits[1:])
    assert {tuple(window) for guest in guests for window in guest.windows} == {(0, SPREAD_MS)}
    # Half of a window, if nothing is ever late; all at once is what must not be.
    first_quarter, _, last_quarter = quantiles(returns)
    assert last_quarter - first_quarter > SPREAD_MS / 1000 / 4


async def test_no_worker_outlives_its_parent(project: Project) -> None:
    with serve(project) as server:
        workers = server.children()
        async with crowd(server, login(server, "ann"), 10) as clients:
            server.process.kill()
            started = time.monotonic()
            for client in clients:
                assert (await client.closed(within=DRAIN))[0] == 1001
            await eventually_in_thread(
                lambda: all(gone(worker.pid) for worker in workers), within=DRAIN
            )
            assert time.monotonic() - started < DRAIN
    assert project.count("suspended") == 10


@pytest.fixture
def breakable(project: Project, tmp_path: Path) -> Path:
    """A project whose workers cannot start once this file exists."""
    broken = tmp_path / "broken"
    (tmp_path / "breakable_settings.py").write_text(
        "import pathlib, sys\n"
        "from tests.e2e.demo_settings import *\n"
        f"if '--as-worker' in sys.argv and pathlib.Path({str(broken)!r}).exists():\n"
        "    sys.exit(9)\n"
    )
    project.env["PYTHONPATH"] += f":{tmp_path}"
    project.env["DJANGO_SETTINGS_MODULE"] = "breakable_settings"
    return broken


def test_workers_that_cannot_start_are_an_exit_code(project: Project, breakable: Path) -> None:
    breakable.touch()
    server = start(project)
    assert server.exit_code(within=STARTING) == 3
    server.__exit__()
    assert server.log[-1].strip().endswith("cannot start: exit code 9")


async def test_a_reload_that_fails_leaves_everybody_where_they_are(
    project: Project, breakable: Path
) -> None:
    with ServiceManager() as manager:
        project.env["NOTIFY_SOCKET"] = manager.address
        project.env["WATCHDOG_USEC"] = "400000"
        with serve(project) as server:
            [ready] = await asyncio.to_thread(manager.heard, "READY=1")
            assert f"STATUS=2 workers on 127.0.0.1:{server.port}" in ready
            before = pids(server)
            async with connected(server, login(server, "ann")) as client:
                breakable.touch()
                server.stop(signal.SIGHUP)
                [reloading] = await asyncio.to_thread(manager.heard, "RELOADING=1")
                said = int(reloading.split("MONOTONIC_USEC=")[1].split()[0])
                assert abs(time.monotonic_ns() / 1000 - said) < TIMEOUT * 1e6
                await eventually_in_thread(lambda: len(manager.now("READY=1")) == 2)
                assert "reload given up: worker 1 cannot" in manager.now("READY=1")[1]
                assert client.end is None
                assert pids(server) == before
            await asyncio.to_thread(manager.heard, "WATCHDOG=1")
            server.stop()
            await asyncio.to_thread(manager.heard, "STOPPING=1")
            assert server.exit_code() == 0


def test_a_second_signal_ends_them_all_at_once(project: Project) -> None:
    project.env["REALTIME_DRAIN_DELAY"] = "30"
    with serve(project) as server:
        workers = pids(server)
        server.stop()
        eventually(lambda: server.status("/realtime/ready/") == 503)
        started = time.monotonic()
        server.stop()
        assert server.exit_code() == -signal.SIGTERM
        eventually(lambda: all(map(gone, workers)))
        assert time.monotonic() - started < 2
