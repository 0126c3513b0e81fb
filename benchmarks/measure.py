"""A server's use of CPU and memory, with its child processes and its store's server."""

import time
from dataclasses import dataclass

import psutil

from benchmarks.servers import Server

SCHEDULED = 2  # of a process's clocks the one that counts nanoseconds, as in clock_getcpuclockid


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading: CPU seconds (user and system) since the start, resident bytes, and when.

    Memory is the server's alone: what the store's server holds is not paid per worker.
    """

    cpu: float
    rss: int
    at: float


@dataclass(frozen=True, slots=True)
class Used:
    """The difference of two readings: CPU seconds, grown bytes, seconds."""

    cpu: float
    rss: int
    seconds: float


def read(server: Server) -> Usage:
    """Read it now. Raises ServerFailed if the server has ended."""
    server.check()
    family = _family(server.pid)
    store = _family(server.store_pid) if server.store_pid else []
    return Usage(
        cpu=sum(cpu_of(process.pid) for process in [*family, *store]),
        rss=sum(process.memory_info().rss for process in family),
        at=time.monotonic(),
    )


def between(earlier: Usage, later: Usage) -> Used:
    """The difference of two readings of the same server."""
    return Used(later.cpu - earlier.cpu, later.rss - earlier.rss, later.at - earlier.at)


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used, user and system, its ended threads included.

    By its CPU clock: /proc counts the same in steps of 10 ms, in which a thousand beats fit.
    """
    return time.clock_gettime(~pid << 3 | SCHEDULED)


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
