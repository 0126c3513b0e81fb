"""Ten thousand connections: what they cost while idle, how soon a frame has reached them all."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.driver import Driver, LoadFailed, loading
from benchmarks.kinds import Kind
from benchmarks.measure import between, read
from benchmarks.servers import Server, running

MARGIN = 60.0  # seconds beyond its own duration after which a run is given up
# Publications that are a window and a half of their bytes; the seconds they may take, before
# the heartbeat gives those up who do not read.
BURST, TEXT, SHORT = 48, "x" * 2000, 40.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many connections, let in within ``patience`` seconds; a beat interval in seconds, of
    which one is measured; then publications to all of them, ``pause`` seconds apart.

    To ours a window and a half of publications follows, and as many again while ``slow`` of the
    connections do not read until it is over.
    """

    connections: int
    patience: float
    interval: float
    publications: int
    pause: float
    slow: int

    def duration(self, kind: Kind) -> float:
        """Seconds from the last connect to the end; more if publications are slow."""
        return self.interval * (kind.settling + 1) + self.publications * self.pause

    def run(self, kind: Kind, *, redis: bool) -> Mapping[str, float]:
        """Start a server of this kind and measure it; figures by name.

        Raises ServerFailed or LoadFailed; a lost connection is a failure.
        """
        lifetime = self.patience + self.duration(kind) + 3 * MARGIN + 2 * SHORT
        with (
            running(kind, interval=self.interval, redis=redis) as server,
            loading(server, lifetime=lifetime) as load,
        ):
            load.open(self.connections, within=self.patience)
            figures = {**self._idle(server, load), **self._publish(server, load)}
            return figures | (self._slow(server, load) if kind.is_ours else {})

    def _idle(self, server: Server, load: Driver) -> dict[str, float]:
        time.sleep(self.interval * server.kind.settling)
        before = read(server)
        time.sleep(self.interval)
        used = between(before, read(server))
        load.count()
        return {"idle_cpu_percent": 100 * used.cpu / used.seconds}

    def _publish(self, server: Server, load: Driver) -> dict[str, float]:
        durations = load.publish(self.publications, pause=self.pause, seconds=MARGIN)
        server.check()
        return {
            "crowd_ms": 1e3 * statistics.median(durations),
            "late_beat_ms": 1e3 * load.count().late,
        }

    def _slow(self, server: Server, load: Driver) -> dict[str, float]:
        alike = self._cost(server, load)
        load.stall(self.slow)
        return {"slow_ratio": self._cost(server, load) / alike}

    def _cost(self, server: Server, load: Driver) -> float:
        """The CPU seconds of a burst, and of what those who did not read have to catch up with."""
        before = read(server)
        if len(load.publish(BURST, seconds=SHORT, text=TEXT)) < BURST:
            raise LoadFailed(f"no {BURST} publications in {SHORT:g} s")
        load.catch_up(within=MARGIN)
        return between(before, read(server)).cpu
