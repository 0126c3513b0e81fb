"""Notifications to a service manager, and the pid file."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.servers.supervisor.pidfile import Unusable, pid_file
from realtime.servers.supervisor.systemd import Notifier
from tests.polling import TIMEOUT

from .server_support import ROOT
from .service_manager import ServiceManager
from .support import ExecutedProject


def test_a_process_without_a_supervisor_reports_to_the_manager(
    template: Path, tmp_path: Path
) -> None:
    with ServiceManager(str(tmp_path / "notify")) as manager:
        environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
        project = ExecutedProject.copy(template, tmp_path, environ=environ)
        with project.serve() as server:
            [ready] = manager.heard("READY=1")
            assert f"127.0.0.1:{server.port}" in ready
            manager.heard("WATCHDOG=1")
            server.stop()
            manager.heard("STOPPING=1")
            assert server.exit_code() == 0
            assert server.complaints() == []


def test_the_variables_are_removed_from_the_environment() -> None:
    environ = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": f"{os.getpid()}"}
    assert Notifier.take(environ).watchdog == 30
    assert environ == {}


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}],
    ids=["none", "another's", "nonsense"],
)
def test_without_a_watchdog_there_is_nothing_to_feed(environ: dict[str, str]) -> None:
    assert Notifier.take(environ).watchdog == 0


def test_an_absent_manager_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    Notifier("@no-listener").ready("serving")
    assert "could not tell the service manager" in caplog.text


def test_a_lack_of_descriptors_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        Notifier("@no-listener").alive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" in caplog.text


def test_a_pid_file_lasts_as_long_as_its_block(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"
        assert list(tmp_path.iterdir()) == [path]
    assert not path.exists()


def test_a_stale_pid_file_is_replaced_even_if_its_pid_lives(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text(f"{os.getppid()}\n")
    with pid_file(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_held_pid_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pid_file(path):
        with pytest.raises(Unusable, match=f"belongs to process {os.getpid()}"), pid_file(path):
            pass
        assert path.read_text() == f"{os.getpid()}\n"


RUSH = """
import os, sys
from contextlib import suppress
from pathlib import Path
from realtime.servers.supervisor.pidfile import Unusable, pid_file
folder = Path(sys.argv[1])
for _ in range(2000):
    with suppress(Unusable), pid_file(folder / "pid"):
        (folder / "alone").mkdir()
        (folder / "alone").rmdir()
"""


def test_of_several_processes_at_once_one_gets_the_pid_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUSH, str(tmp_path)]
    rush = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait(TIMEOUT) for process in rush] == [0] * 3


def test_the_pid_file_of_another_process_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pid_file(path):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="No such file"), pid_file(tmp_path / "none" / "pid"):
        pass
