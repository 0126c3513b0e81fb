"""The counters of one worker since its start, for metrics, besides those of ``WorkerReport``."""

from collections import Counter
from dataclasses import dataclass, field

from realtime.bus.counters import BusCounters, QueueCounters, outside_workers
from realtime.common.handler_threads import HandlerThreadCounters
from realtime.events.signal_dispatch import SignalCounters


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
    """All of a worker's counters. Each has one writer, the worker's event loop or the thread that
    holds a lock; any thread may read them."""

    bus: BusCounters = field(default_factory=BusCounters)
    # Batches on their way from threads of this process, which have published, to rooms here.
    from_threads: QueueCounters = field(default_factory=QueueCounters)
    # Of the process, not of this worker: a sum over the workers of a process takes it once.
    outside_workers: BusCounters = field(default_factory=lambda: outside_workers)
    handler_threads: HandlerThreadCounters = field(default_factory=HandlerThreadCounters)
    signals: SignalCounters = field(default_factory=SignalCounters)
    ticks: TickCounters = field(default_factory=TickCounters)
    # Connections that were not welcomed, by :class:`.Reason` (such as "store").
    refused: Counter[str] = field(default_factory=Counter)
