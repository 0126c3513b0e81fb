"""``serve --workers``: the supervisor as the command line has it, and the workers it starts."""

import argparse
import math
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.core.management.base import CommandError

from realtime.conf import settings
from realtime.servers.supervisor.pipe import SupervisorPipe
from realtime.servers.supervisor.supervisor import DrainFailed, ProcessSupervisor, WorkersKilled
from realtime.servers.supervisor.systemd import Notifier
from realtime.servers.supervisor.worker_slot import SupervisorTimeouts, WorkerFailed

from .serving import ExitCode, serve

QUOTA = Path("/sys/fs/cgroup/cpu.max")

# Seconds beyond DRAIN_DELAY: twice the five of a drain, for a machine under load.
DRAIN_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class WorkerArgs:
    """The arguments of a worker process: its number, and the descriptors of its socket and pipe."""

    number: int
    listener: int
    pipe: int

    @classmethod
    def parse(cls, text: str) -> "WorkerArgs":
        """The arguments that ``str`` has made a text of."""
        return cls(*map(int, text.split(",")))

    def __str__(self) -> str:
        return f"{self.number},{self.listener},{self.pipe}"

    def open_listener(self) -> socket.socket:
        """The listening socket; the worker's own children do not inherit it."""
        os.set_inheritable(self.listener, False)
        return socket.socket(fileno=self.listener)


def workers(text: str) -> int | None:
    """A number of workers for argparse; None for "auto"."""
    if text == "auto":
        return None
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def usable_cpus(quota: Path = QUOTA) -> int:
    """The number of CPUs that this process may use: its affinity, or a container's quota."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on every system
    cpus = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
    except FileNotFoundError:
        return cpus
    return cpus if allowed == "max" else min(cpus, math.ceil(int(allowed) / int(period)))


def run_worker(worker: WorkerArgs, *, server: str) -> None:
    """Serve on the inherited socket until the supervisor drains this process, or dies."""
    signal.signal(
        signal.SIGHUP, signal.SIG_IGN
    )  # a terminal sends it to all; the supervisor reloads
    name_process(f"worker {worker.number}")
    serve(worker.open_listener(), server=server, supervisor=SupervisorPipe(worker.pipe))


def name_process(name: str) -> None:
    """Set ``processName`` of every log record from now on."""
    multiprocessing.current_process().name = name


def run_supervisor(
    listeners: list[socket.socket],
    *,
    notifier: Notifier,
    listening: Callable[[str, int], object],
) -> None:
    """Keep a worker on each of these sockets until a signal. Raises CommandError."""
    if "serve" not in sys.argv:
        raise CommandError(
            "--workers works on the command line only: it starts the workers by the same one"
        )
    name_process("parent")
    timeouts = SupervisorTimeouts(drain=settings.drain_delay + DRAIN_TIMEOUT)
    supervisor = ProcessSupervisor(
        listeners, worker_command, timeouts=timeouts, notifier=notifier, listening=listening
    )
    try:
        supervisor.run()
    except WorkerFailed as error:
        raise CommandError(str(error), returncode=ExitCode.WORKER_FAILED) from None
    except WorkersKilled as error:
        raise CommandError(str(error), returncode=ExitCode.WORKERS_KILLED) from None
    except DrainFailed as error:
        raise CommandError(str(error), returncode=ExitCode.DRAIN_FAILED) from None


def worker_command(number: int, listener: int, pipe: int) -> list[str]:
    """This process's own command line for a worker, so that every option holds there as well."""
    worker = WorkerArgs(number, listener, pipe)
    return [sys.executable, *sys.orig_argv[1:], "--as-worker", str(worker)]
