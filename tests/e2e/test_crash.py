"""``kill -9``: what a worker leaves behind is swept, each session once."""

import asyncio
import json
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.polling import eventually, eventually_in_thread

from .server_support import ROOT, command
from .support import Project, Server, connected, crowd, login

SIZE = 50


def lease_over(project: Project) -> bool:
    """Whether every worker's lease has ended."""
    query = "SELECT max(lease_until) AS until FROM realtime_worker"
    return bool(project.rows(query)[0]["until"] < time.time() * 1000)


def window_over(project: Project) -> bool:
    query = "SELECT max(deadline) AS until FROM realtime_livesession"
    return bool(project.rows(query)[0]["until"] < time.time() * 1000)


def sweep_twice_at_once(project: Project) -> Counter[str]:
    """The sums of two ``manage.py sweep --json`` that begin together."""
    both = [
        subprocess.Popen(
            command("manage.py", "sweep", "--json"),
            cwd=ROOT,
            env=project.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    total: Counter[str] = Counter()
    for process in both:
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        total.update(json.loads(output))
    return total


def did(report: dict[str, int] | Counter[str]) -> tuple[int, int]:
    return report["suspended"], report["closed"]


async def test_fifty_sessions_of_a_killed_worker(template: Path, tmp_path: Path) -> None:
    signals = tmp_path / "signals"
    project = Project.copy(
        template,
        tmp_path,
        lease=6,  # long enough for a few commands
        flush_interval=0.3,
        resume_window=9,
        sweep_interval=0,
        environ={
            "DJANGO_SETTINGS_MODULE": "tests.e2e.project_settings",
            "SIGNAL_LOG": str(signals),
        },
    )
    with project.serve() as server:
        async with crowd(server, login(server, "ann"), SIZE) as clients:
            ids = {client.id for client in clients}
            assert len(ids) == SIZE
            assert len(project.sessions("--state", "connected")) == SIZE
            server.kill()
            for client in clients:
                assert await client.closed() == (1006, "")

    assert did(project.sweep()) == (0, 0)  # the lease still stands
    eventually(lambda: lease_over(project), within=20.0)
    assert did(sweep_twice_at_once(project)) == (SIZE, 0)
    assert {row["id"] for row in project.sessions("--state", "suspended")} == ids
    assert did(project.sweep()) == (0, 0)

    eventually(lambda: window_over(project), within=20.0)
    assert did(sweep_twice_at_once(project)) == (0, SIZE)
    assert did(project.sweep()) == (0, 0)
    assert project.sessions() == []
    history = project.sessions("--history")
    assert {row["id"] for row in history} == ids
    assert len(history) == SIZE
    assert {row["code"] for row in history} == {1006}
    heard = Counter(line.split()[0] for line in signals.read_text().splitlines())
    assert heard == {"opened": SIZE, "suspended": SIZE, "closed": SIZE}
    closed = [line.split()[1:] for line in signals.read_text().splitlines() if "closed" in line]
    assert sorted(closed) == sorted([id_, "1006"] for id_ in ids)


async def test_another_worker_notices_without_a_sweep(template: Path, tmp_path: Path) -> None:
    project = Project.copy(
        template, tmp_path, lease=1.5, flush_interval=0.3, resume_window=1, sweep_interval=0.5
    )
    with project.serve() as survivor, project.serve() as victim:
        cookie = login(survivor, "ann")
        async with connected(survivor, cookie) as neighbour, crowd(victim, cookie, 5) as clients:
            victim.kill()
            killed = time.monotonic()
            await eventually_in_thread(lambda: project.count("connected") == 1, within=4)
            assert time.monotonic() - killed < 1.5 + 0.3 + 1
            await eventually_in_thread(lambda: len(project.sessions("--history")) == 5, within=5)
            assert project.state(neighbour.id) == "connected"
            states = {"closed"}  # the row in the history comes first
            await eventually_in_thread(lambda: {project.state(c.id) for c in clients} == states)
        assert survivor.complaints() == []


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project.copy(template, tmp_path, lease=1.5, flush_interval=0.3, sweep_interval=0)


async def ghosts_after_death(project: Project, server: Server) -> int:
    """Connect five, kill the server, wait for the lease, sweep: who is still connected."""
    async with crowd(server, login(server, "ann"), 5) as clients:
        assert project.count("connected") == 5
        server.kill()
        for client in clients:
            assert (await client.closed())[0] == 1006
    eventually(lambda: lease_over(project))
    assert did(project.sweep()) == (5, 0)
    assert project.count("suspended") == 5
    return project.count("connected")


async def test_plain_daphne_killed(project: Project) -> None:
    with project.start("daphne", "-p", "0", "project.asgi:application") as server:
        assert await ghosts_after_death(project, server) == 0


async def test_runserver_killed_with_its_reloader(project: Project) -> None:
    with project.start("manage.py", "runserver", "127.0.0.1:0") as server:
        assert server.children()  # the reloader's child is the one that serves
        assert await ghosts_after_death(project, server) == 0


async def test_a_reload_leaves_no_ghosts(project: Project, tmp_path: Path) -> None:
    """The reloader ends the old process without a word and starts another."""
    watched = tmp_path / "watched_settings.py"
    watched.write_text("from tests.e2e.demo_settings import *\n")
    project.env["PYTHONPATH"] += f":{tmp_path}"
    project.env["DJANGO_SETTINGS_MODULE"] = "watched_settings"
    with project.start("manage.py", "runserver", "127.0.0.1:0") as server:
        before = server.port
        async with crowd(server, login(server, "ann"), 5) as clients:
            await asyncio.to_thread(touch_until_reloaded, server, watched)
            for client in clients:
                await client.closed()
        assert server.port != before
        async with connected(server, login(server, "ann")):  # the new process's worker
            await eventually_in_thread(lambda: project.count("suspended") == 5, within=5)
            assert project.count("connected") == 1


def touch_until_reloaded(server: Server, file: Path) -> None:
    """The reloader compares times once a second and takes its first look as the norm."""

    def touched() -> bool:
        file.touch()
        return len(server.lines_with("Listening on TCP")) > 1

    eventually(touched, within=15)
