"""The parent with workers that misbehave; each is a few lines of Python on an inherited pipe."""

import logging
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from realtime.servers.common.listeners import listen_shared
from realtime.servers.supervisor.supervisor import DrainFailed, ProcessSupervisor, WorkersKilled
from realtime.servers.supervisor.systemd import Notifier
from realtime.servers.supervisor.worker_slot import SupervisorTimeouts, WorkerFailed

from .service_manager import ServiceManager

TIMEOUTS = SupervisorTimeouts(
    start=5, drain=0.3, tick=0.3, misses=50, backoff=0.1, max_backoff=0.2, attempts=5
)

HEAD = """
import os, signal, socket, sys, time
number, pipe, parent = int(sys.argv[1]), socket.socket(fileno=int(sys.argv[3])), os.getppid()
"""


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    found = listen_shared("127.0.0.1", 0, count=2)
    yield found
    for listener in found:
        listener.close()


def run(listeners: Sequence[socket.socket], program: str, **options: Any) -> None:
    """Run a supervisor whose workers run this program, until it ends."""

    def command(number: int, listener: int, pipe: int) -> list[str]:
        arguments = map(str, (number, listener, pipe))
        return [sys.executable, "-S", "-c", HEAD + textwrap.dedent(program), *arguments]

    notifier = options.pop("notifier", Notifier())
    timeouts = options.pop("timeouts", TIMEOUTS)
    ProcessSupervisor(
        listeners,
        command,
        timeouts=timeouts,
        notifier=notifier,
        listening=lambda _host, _port: None,
    ).run()


def test_a_worker_that_keeps_dying_ends_the_supervisor(
    listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    started = time.monotonic()
    with pytest.raises(WorkerFailed, match="worker 2 failed 5 times in a row"):
        run(
            listeners,
            """
            pipe.send(b"r")
            if number == 2:
                sys.exit(7)
            pipe.recv(1)  # the end
            """,
        )
    assert time.monotonic() - started > 0.1 + 0.2 + 0.2  # the backoff doubles, up to its bound
    assert caplog.text.count("worker 2 (process") == 2 * 5
    assert caplog.text.count("ended: exit code 7") == 5
    assert caplog.text.count("worker 1 (process") == 1


def test_a_worker_whose_first_start_fails_is_not_retried(listeners: list[socket.socket]) -> None:
    with pytest.raises(WorkerFailed, match="worker 1 cannot start: exit code 7"):
        run(listeners, "sys.exit(7) if number == 1 else pipe.recv(1)")


def test_a_worker_that_is_never_ready_is_killed(
    listeners: list[socket.socket],
) -> None:
    timeouts = SupervisorTimeouts(start=0.3, drain=1)
    with pytest.raises(WorkerFailed, match=r"not ready within 0\.3 s"):
        run(listeners, "time.sleep(60)", timeouts=timeouts)


def test_a_failed_drain_is_reported(
    listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DrainFailed):
        run(
            listeners,
            """
            pipe.send(b"r")
            if number == 2:
                os.kill(parent, signal.SIGTERM)
            pipe.recv(1)
            sys.exit(5 if number == 2 else 0)
            """,
        )
    assert caplog.text.count("ended badly: exit code 5") == 1


def test_a_worker_that_does_not_end_is_killed_and_reported(
    listeners: list[socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with pytest.raises(WorkersKilled):
        run(
            listeners,
            """
            if number == 2:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                pipe.send(b"r")
                os.kill(parent, signal.SIGTERM)
                time.sleep(60)
            pipe.send(b"r")
            pipe.recv(1)
            """,
        )
    assert time.monotonic() - started < 10
    assert caplog.text.count("did not end in time: killed") == 1


def test_the_watchdog_is_fed_while_all_tick(listeners: list[socket.socket]) -> None:
    """Worker 1 ticks for a second, is silent for two, and ends everything."""
    with ServiceManager() as manager:
        run(
            listeners,
            """
            pipe.send(b"r")
            for turn in range(30):
                if number == 2 or turn < 10:
                    pipe.send(b"t")
                time.sleep(0.1)
            if number == 1:
                os.kill(parent, signal.SIGTERM)
            pipe.recv(1)
            """,
            notifier=Notifier(manager.address, watchdog=0.2),
        )
        manager.heard("STOPPING=1")
        fed = len(manager.now("WATCHDOG=1"))
    assert 10 < fed < 45, manager.messages  # 20 a second, and none in most of the silence


def test_a_worker_that_hangs_is_killed_and_replaced(
    listeners: list[socket.socket], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The first worker 1 is silent for ever; the second one ends everything."""
    run(
        listeners,
        f"""
        pipe.send(b"r")
        if number == 1:
            try:
                open({str(tmp_path / "first")!r}, "x")
            except FileExistsError:
                os.kill(parent, signal.SIGTERM)
            else:
                time.sleep(60)
        pipe.settimeout(0.05)
        while True:
            pipe.send(b"t")
            try:
                pipe.recv(1)
            except TimeoutError:
                continue
            sys.exit()
        """,
        timeouts=SupervisorTimeouts(tick=0.4),
    )
    assert caplog.text.count("stands still: killed") == 1
    assert caplog.text.count("ended: signal 9") == 1


def test_no_process_is_left_behind(listeners: list[socket.socket]) -> None:
    pids = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    before = pids.read_text()
    run(
        listeners,
        """
        pipe.send(b"r")
        if number == 1:
            os.kill(parent, signal.SIGINT)
        pipe.recv(1)
        """,
    )
    assert pids.read_text() == before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
