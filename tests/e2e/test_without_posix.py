"""Development on Windows: everything but ``serve`` works without what only POSIX systems have."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.polling import eventually

from .support import STARTING, ExecutedProject, Project, connected, login

HIDING = Path(__file__).parent / "without_posix"


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = ExecutedProject.copy(
        template, tmp_path_factory.mktemp("windows"), ping_interval=1, pong_timeout=1
    )
    project.env["PYTHONPATH"] = os.pathsep.join([str(HIDING), project.env["PYTHONPATH"]])
    return project


def test_it_is_hidden(project: Project) -> None:
    code = "from realtime.common.platforms import os; print(hasattr(os, 'register_at_fork'))"
    assert project.shell(code).strip() == "False"


async def test_runserver_serves_and_publish_reaches_its_clients(project: Project) -> None:
    with project.start("manage.py", "runserver", "--noreload", "127.0.0.1:0") as server:
        async with connected(server, login(server, "ann")) as client:
            rows = await asyncio.to_thread(project.sessions)
            assert [row["id"] for row in rows] == [client.id]
            [room] = client.welcome["rooms"]
            published = await asyncio.to_thread(project.manage, "publish", room, '"hello"')
            assert "offset 1" in published.stdout
            assert (await client.frame("publication"))["data"] == "hello"  # found by a heartbeat
        assert server.complaints() == []


def test_a_sweep_ends_in_order(project: Project) -> None:
    assert project.sweep()["dry_run"] is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_periodic_sweeps_end_with_a_signal(project: Project, number: signal.Signals) -> None:
    sweeps = project.start("manage.py", "sweep", "--interval", "0.1")
    try:
        eventually(lambda: sweeps.lines_with("Suspended"), within=STARTING, what=sweeps.log)
        sweeps.stop(number)
        assert sweeps.exit_code() == 0
    finally:
        sweeps.kill()


def test_serve_says_what_it_needs(project: Project) -> None:
    refused = project.manage("serve", "--port", "0", check=False)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "CommandError: serve needs a POSIX system, such as Linux or macOS; to develop on this one "
        "use runserver"
    )
