"""The counters of one worker since its start, for metrics, besides those of ``WorkerReport``."""

from collections import Counter
from dataclasses import dataclass, field

from realtime.bus.counters import BusCounters


@dataclass(slots=True)
class TickCounters:
    """Counters of the ticker."""

    ticks: int = 0
    seconds: float = 0.0  # spent in all of them
    longest: float = 0.0  # seconds of the longest one

    def add(self, seconds: float) -> None:
        """Count a tick that took this long."""
        self.ticks += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)


@dataclass(slots=True)
class Statistics:
    """All of a worker's counters. The worker's event loop writes them, any thread may read them."""

    bus: BusCounters = field(default_factory=BusCounters)
    ticks: TickCounters = field(default_factory=TickCounters)
    # Connections that were not welcomed, by :class:`.Reason` (such as "store").
    refused: Counter[str] = field(default_factory=Counter)
