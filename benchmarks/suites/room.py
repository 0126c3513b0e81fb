"""A thousand connections: what a connect, a beat, a delivery and an idle connection cost."""

import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.driver import Driver, loading
from benchmarks.kinds import Kind
from benchmarks.measure import between, read
from benchmarks.servers import Server, running

WARM_UP = 10  # connections and publications that make the server load what it loads late
MARGIN = 120.0  # seconds beyond its own duration after which a run is given up

# The ticker's log line when it stops.
TICKS = re.compile(
    r"(?P<count>\d+) ticks, (?P<mean>[\d.]+) ms on average, (?P<most>[\d.]+) at most"
)


@dataclass(frozen=True, slots=True)
class Room:
    """So many connections, a beat interval in seconds, measured over so many intervals; then
    publications to all of them, for at most so many seconds."""

    connections: int
    interval: float
    intervals: int
    publications: int
    publishing: float

    def duration(self, kind: Kind) -> float:
        """Seconds from the last connect to the end."""
        return self.interval * (kind.settling + self.intervals) + 1.25 * self.publishing

    def run(self, kind: Kind, *, redis: bool) -> Mapping[str, float]:
        """Start a server of this kind and measure it; figures by name.

        Raises ServerFailed or LoadFailed; a lost connection is a failure.
        """
        with running(kind, interval=self.interval, redis=redis) as server:
            with loading(server, lifetime=self.duration(kind) + MARGIN) as load:
                figures = {
                    **self._connect(server, load),
                    **self._beat(server, load),
                    **self._publish(server, load),
                }
            server.stop()
            return {**figures, **_ticks(server.log)}

    def _connect(self, server: Server, load: Driver) -> dict[str, float]:
        load.open(WARM_UP, within=30.0)
        load.publish(WARM_UP, seconds=30.0)
        load.close()
        time.sleep(1.0)
        before = read(server)
        seconds = load.open(self.connections, within=MARGIN / 2)
        connecting = between(before, read(server))
        time.sleep(self.interval * server.kind.settling)
        return {
            "connect_cpu_ms": 1e3 * connecting.cpu / self.connections,
            "connects_per_second": self.connections / seconds,
            "memory_kb": between(before, read(server)).rss / 1024 / self.connections,
        }

    def _beat(self, server: Server, load: Driver) -> dict[str, float]:
        beats, before = load.count().beats, read(server)
        time.sleep(self.interval * self.intervals)
        beats, used = load.count().beats - beats, between(before, read(server))
        return {"beat_cpu_us": 1e6 * used.cpu / max(beats, 1), "beats": beats}

    def _publish(self, server: Server, load: Driver) -> dict[str, float]:
        # Just-in-time compilers have finished by then.
        load.publish(self.publications // 4, seconds=self.publishing / 4)
        before = read(server)
        durations = load.publish(self.publications, seconds=self.publishing)
        used = between(before, read(server))
        return {
            "delivery_cpu_us": 1e6 * used.cpu / (len(durations) * self.connections),
            "room_ms": 1e3 * statistics.median(durations),
        }


def _ticks(log: str) -> dict[str, float]:
    found = TICKS.search(log)
    return (
        {"tick_ms": float(found["mean"]), "longest_tick_ms": float(found["most"])} if found else {}
    )
