"""The scenario: many connections that do nothing but beat."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from .driver import Driver, loading
from .measure import between, read
from .servers import Kind, Server, running

WARM_UP = 10  # connections that make the server load what it loads late
MARGIN = 60.0  # seconds beyond its own duration after which a run is given up

# What the ticker of a worker says when it stops.
TICKS = re.compile(
    r"(?P<count>\d+) ticks, (?P<mean>[\d.]+) ms on average, (?P<most>[\d.]+) at most"
)


@dataclass(frozen=True, slots=True)
class Idle:
    """So many connections, a beat interval in seconds, measured over so many intervals.

    Measuring begins a whole interval after the last connect: by then every
    connection beats at its own steady moment.
    """

    connections: int
    interval: float
    intervals: int

    @property
    def duration(self) -> float:
        """Seconds from the last connect to the end."""
        return self.interval * (1 + self.intervals)

    def run(self, kind: Kind) -> Mapping[str, float]:
        """Start a server of this kind and measure it; figures by name.

        Raises ServerFailed or LoadFailed; a lost connection is a failure.
        """
        lifetime = self.duration + self._patience + MARGIN
        with running(kind, interval=self.interval) as server:
            with loading(server, lifetime=lifetime) as load:
                figures = self._measure(server, load)
            server.stop()
            return {**figures, **_ticks(server.log)}

    @property
    def _patience(self) -> float:
        """Seconds that all connects together may take."""
        return 30.0 + self.connections / 50

    def _measure(self, server: Server, load: Driver) -> dict[str, float]:
        load.open(WARM_UP, within=30.0)
        load.close()
        time.sleep(1.0)
        before = read(server.pid)
        seconds = load.open(self.connections, within=self._patience)
        connected = read(server.pid)
        time.sleep(self.interval)
        beats, settled = load.beats(), read(server.pid)
        time.sleep(self.interval * self.intervals)
        beats, end = load.beats() - beats, read(server.pid)
        server.check()

        connecting, beating, whole = (
            between(before, connected),
            between(settled, end),
            between(before, end),
        )
        return {
            "idle_cpu_percent": 100 * beating.cpu / beating.seconds,
            "connect_cpu_ms": 1e3 * connecting.cpu / self.connections,
            "beat_cpu_us": 1e6 * beating.cpu / max(beats, 1),
            "memory_kb": whole.rss / 1024 / self.connections,
            "connects_per_second": self.connections / seconds,
            "beats": beats,
        }


def _ticks(log: str) -> dict[str, float]:
    found = TICKS.search(log)
    return (
        {"tick_ms": float(found["mean"]), "longest_tick_ms": float(found["most"])} if found else {}
    )
