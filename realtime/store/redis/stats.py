"""The registry in numbers as talks with Redis: now, and over the last hour."""

import msgspec
from msgspec.structs import replace

from ..contract import SAMPLE_EVERY_MS, SAMPLES_KEPT_MS
from ..histogram import merged_percentiles
from ..records import Deliveries, Stats, StatsSample, SweepReport, WorkerReport
from . import rows
from .rows import answers
from .scripts import Operation, ScriptCalls


class _Numbers(msgspec.Struct):
    """The answer of ``numbers.lua``."""

    at: int
    connected: int
    users: int
    unhealthy: int
    suspended: int
    reports: list[str]
    totals: list[int]
    last_sweep_at: int
    last_sweep: str | None = None
    sampled_at: int | None = None


_COUNTS = ("pings", "pongs", "timeouts", *Deliveries.__struct_fields__)

_numbers = answers(_Numbers)
_texts = answers(list[str])
_report = msgspec.json.Decoder(WorkerReport)
_sweep = msgspec.json.Decoder(SweepReport)
_sample = msgspec.json.Decoder(StatsSample)


class StatsOperations:
    """See the contract for what each method does."""

    def __init__(self, calls: ScriptCalls) -> None:
        self._calls = calls

    def stats(self) -> Operation[Stats]:
        """One call."""
        numbers = yield from self._ask()
        pings, pongs, timeouts, *deliveries = numbers.totals
        median, high = merged_percentiles(worker.latency for worker in _reports(numbers))
        return Stats(
            connected=numbers.connected,
            users=numbers.users,
            healthy=numbers.connected - numbers.unhealthy,
            unhealthy=numbers.unhealthy,
            suspended=numbers.suspended,
            workers=len(numbers.reports),
            pings=pings,
            pongs=pongs,
            timeouts=timeouts,
            deliveries=Deliveries(*deliveries),
            last_sweep=_last_sweep(numbers),
            latency_p50=median,
            latency_p95=high,
        )

    def workers(self) -> Operation[tuple[WorkerReport, ...]]:
        """One call."""
        reports = _reports((yield from self._ask()))
        return tuple(sorted(reports, key=lambda worker: (worker.host, worker.pid, worker.id)))

    def sample(self) -> Operation[None]:
        """One call, and a second one by whoever is first in a bucket."""
        numbers = yield from self._ask()
        at = numbers.at - numbers.at % SAMPLE_EVERY_MS
        if numbers.sampled_at is not None and numbers.sampled_at >= at:
            return
        reports = _reports(numbers)
        connected = sum(worker.connections for worker in reports)
        median, high = merged_percentiles(worker.latency for worker in reports)
        sample = StatsSample(at, connected, numbers.suspended, median, high)
        yield self._calls("sample", at=at, sample=rows.json_of(sample), kept_ms=SAMPLES_KEPT_MS)

    def samples(self, *, after: int) -> Operation[tuple[StatsSample, ...]]:
        """One call."""
        answer = yield self._calls("samples", after=after, kept_ms=SAMPLES_KEPT_MS)
        return tuple(map(_sample.decode, _texts.decode(answer)))

    def probe(self) -> Operation[None]:
        """One call."""
        yield self._calls("probe")

    def _ask(self) -> Operation[_Numbers]:
        return _numbers.decode((yield self._calls("numbers", counts=_COUNTS)))


def _reports(numbers: _Numbers) -> list[WorkerReport]:
    return [_report.decode(text) for text in numbers.reports]


def _last_sweep(numbers: _Numbers) -> SweepReport | None:
    if numbers.last_sweep is None:
        return None
    return replace(_sweep.decode(numbers.last_sweep), at=numbers.last_sweep_at)
