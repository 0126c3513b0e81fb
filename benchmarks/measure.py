"""What a server has used so far, its child processes included."""

import time
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """A reading: CPU seconds (user and system) since the start, resident bytes, and when."""

    cpu: float
    rss: int
    at: float


@dataclass(frozen=True, slots=True)
class Used:
    """What lies between two readings: CPU seconds, grown bytes, seconds."""

    cpu: float
    rss: int
    seconds: float


def read(pid: int) -> Usage:
    """Read the process and its descendants now. Raises psutil.Error if it has gone."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    times = [each.cpu_times() for each in family]
    return Usage(
        cpu=sum(t.user + t.system for t in times),
        rss=sum(each.memory_info().rss for each in family),
        at=time.monotonic(),
    )


def between(earlier: Usage, later: Usage) -> Used:
    """The difference of two readings of the same process."""
    return Used(later.cpu - earlier.cpu, later.rss - earlier.rss, later.at - earlier.at)
