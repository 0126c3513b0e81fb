"""A forked process is like one that was started, in all that tests can see."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.polling import TIMEOUT

from .fork_server import Forked
from .server_support import fork
from .support import ExecutedProject, Project

FACTS = """
import json, os, signal, sys, threading
print(json.dumps({
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "path": sys.path,
    "folder": os.getcwd(),
    "environ": dict(os.environ),
    "group": os.getpgrp(),
    "descriptors": sorted(os.listdir("/proc/self/fd"))[:3],
    "threads": threading.active_count(),
    "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
}))
"""


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project.copy(template, tmp_path)


@pytest.fixture
def shell(project: Project) -> Iterator[Callable[[str], Forked]]:
    """Runs code in a forked shell; its output is not read."""
    with open(os.devnull, "w") as nowhere:

        def run(code: str) -> Forked:
            arguments = ["manage.py", "shell", "--no-imports", "--command", code]
            process = fork(arguments, project.env, nowhere.fileno(), nowhere.fileno())
            assert isinstance(process, Forked)
            return process

        yield run


def test_it_finds_what_a_new_interpreter_finds(project: Project) -> None:
    started = ExecutedProject(project.database)
    forked, usual = (json.loads(each.shell(FACTS)) for each in (project, started))
    assert forked == usual


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit(-1)", 255),
        ("raise SystemExit('no')", 1),
        ("raise RuntimeError", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_its_end_is_told_as_it_was(shell: Callable[[str], Forked], code: str, ending: int) -> None:
    process = shell(code)
    assert process.wait(TIMEOUT) == process.poll() == process.returncode == ending


def test_it_ends_in_order(project: Project) -> None:
    """Exit handlers run; only the imported modules are not cleared away."""
    code = """
import atexit, threading, time
atexit.register(print, "last")
threading.Thread(target=lambda: (time.sleep(0.1), print("a thread"))).start()
print("first", end=" ")
"""
    started = ExecutedProject(project.database)
    assert project.shell(code) == started.shell(code) == "first a thread\nlast\n"


def test_it_can_be_killed(shell: Callable[[str], Forked]) -> None:
    process = shell("import time; time.sleep(100)")
    assert process.poll() is None
    with pytest.raises(TimeoutError):
        process.wait(0.01)
    process.kill()
    assert process.wait(TIMEOUT) == -signal.SIGKILL
    process.kill()  # another process that may have its number by now is left alone


def test_an_environment_for_a_new_interpreter_gets_one(project: Project) -> None:
    project.env["PYTHONHASHSEED"] = "0"
    assert project.shell("import os; print(os.environ['PYTHONHASHSEED'])") == "0\n"
    with open(os.devnull, "w") as nowhere:
        process = fork(["manage.py"], project.env, nowhere.fileno(), nowhere.fileno())
        assert isinstance(process, subprocess.Popen)
        assert process.wait(TIMEOUT) == 0
