"""``serve --workers``: the parent as the command line has it, and the worker that it starts."""

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
from realtime.servers.supervisor.supervisor import ProcessSupervisor, Stragglers, Undrained
from realtime.servers.supervisor.systemd import Notifier
from realtime.servers.supervisor.worker_slot import GaveUp, SupervisorTimeouts

from .serving import Exit, serve

QUOTA = Path("/sys/fs/cgroup/cpu.max")

# Beyond DRAIN_DELAY: the five seconds of a drain, twice over for a machine under load.
DRAIN_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class WorkerArgs:
    """What a worker process is told on its command line: its number and two descriptors."""

    number: int
    listener: int
    link: int

    @classmethod
    def parse(cls, text: str) -> "WorkerArgs":
        """From what ``str`` makes of one."""
        return cls(*map(int, text.split(",")))

    def __str__(self) -> str:
        return f"{self.number},{self.listener},{self.link}"

    def open_listener(self) -> socket.socket:
        """The listening socket, which nothing that the worker starts inherits."""
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
    """The CPUs that this process may use, by affinity and, in a container, by quota."""
    bound = hasattr(os, "sched_getaffinity")  # not everywhere
    cpus = len(os.sched_getaffinity(0)) if bound else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
    except FileNotFoundError:
        return cpus
    return cpus if allowed == "max" else min(cpus, math.ceil(int(allowed) / int(period)))


def run_worker(post: WorkerArgs, *, server: str) -> None:
    """Serve on the inherited socket, until the parent ends it or dies."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal sends it to all; it is the parent's
    name_process(f"worker {post.number}")
    serve(post.open_listener(), server=server, overseer=SupervisorPipe(post.link))


def name_process(name: str) -> None:
    """What logging calls ``processName``, in every record from now on."""
    multiprocessing.current_process().name = name


def run_parent(
    listeners: list[socket.socket],
    *,
    notifier: Notifier,
    listening: Callable[[str, int], object],
) -> None:
    """Keep a worker on each of these sockets until a signal. Raises CommandError with an Exit."""
    if "serve" not in sys.argv:
        raise CommandError("--workers is for the command line: the workers are started by it too")
    name_process("parent")
    patience = SupervisorTimeouts(drain=settings.drain_delay + DRAIN_PATIENCE)
    parent = ProcessSupervisor(
        listeners, worker_command, patience=patience, notifier=notifier, listening=listening
    )
    try:
        parent.run()
    except GaveUp as error:
        raise CommandError(str(error), returncode=Exit.GAVE_UP) from None
    except Stragglers as error:
        raise CommandError(str(error), returncode=Exit.STRAGGLERS) from None
    except Undrained as error:
        raise CommandError(str(error), returncode=Exit.UNDRAINED) from None


def worker_command(number: int, listener: int, link: int) -> list[str]:
    """This process's own command line, for a worker; so every option holds there as well."""
    post = WorkerArgs(number, listener, link)
    return [sys.executable, *sys.orig_argv[1:], "--as-worker", str(post)]
