"""Stats of the registry on Redis, as script steps: now, and over the last hour."""

import msgspec
from msgspec.structs import replace

from ..contract import SAMPLE_EVERY_MS, SAMPLES_KEPT_MS
from ..histogram import merged_percentiles
from ..records import Deliveries, Stats, StatsSample, SweepReport, WorkerReport
from . import rows
from .ownership import OwnedOperations
from .rows import answers
from .scripts import ScriptSteps


class _StatsAnswer(msgspec.Struct):
    """The answer of ``stats.lua``."""

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

_stats = answers(_StatsAnswer)
_texts = answers(list[str])
_report = msgspec.json.Decoder(WorkerReport)
_sweep = msgspec.json.Decoder(SweepReport)
_sample = msgspec.json.Decoder(StatsSample)


class StatsOperations(OwnedOperations):
    """Methods of the contract; each is one call unless its docstring says otherwise."""

    def stats(self) -> ScriptSteps[Stats]:
        answer = yield from self._read()
        pings, pongs, timeouts, *deliveries = answer.totals
        median, high = merged_percentiles(report.latency for report in _reports(answer))
        return Stats(
            connected=answer.connected,
            users=answer.users,
            healthy=answer.connected - answer.unhealthy,
            unhealthy=answer.unhealthy,
            suspended=answer.suspended,
            workers=len(answer.reports),
            pings=pings,
            pongs=pongs,
            timeouts=timeouts,
            deliveries=Deliveries(*deliveries),
            last_sweep=_last_sweep(answer),
            latency_p50=median,
            latency_p95=high,
        )

    def workers(self) -> ScriptSteps[tuple[WorkerReport, ...]]:
        reports = _reports((yield from self._read()))
        return tuple(sorted(reports, key=lambda report: (report.host, report.pid, report.id)))

    def sample(self) -> ScriptSteps[None]:
        """One call, and a second one if this is the first sample of its bucket."""
        answer = yield from self._read()
        at = answer.at - answer.at % SAMPLE_EVERY_MS
        if answer.sampled_at is not None and answer.sampled_at >= at:
            return
        reports = _reports(answer)
        connected = sum(report.connections for report in reports)
        median, high = merged_percentiles(report.latency for report in reports)
        sample = StatsSample(at, connected, answer.suspended, median, high)
        yield self._calls("sample", at=at, sample=rows.json_of(sample), kept_ms=SAMPLES_KEPT_MS)

    def samples(self, *, after: int = 0) -> ScriptSteps[tuple[StatsSample, ...]]:
        answer = yield self._calls("samples", after=after, kept_ms=SAMPLES_KEPT_MS)
        return tuple(map(_sample.decode, _texts.decode(answer)))

    def probe(self) -> ScriptSteps[None]:
        yield self._calls("probe")

    def _read(self) -> ScriptSteps[_StatsAnswer]:
        return _stats.decode((yield self._calls("stats", counts=_COUNTS)))


def _reports(answer: _StatsAnswer) -> list[WorkerReport]:
    return [_report.decode(text) for text in answer.reports]


def _last_sweep(answer: _StatsAnswer) -> SweepReport | None:
    if answer.last_sweep is None:
        return None
    return replace(_sweep.decode(answer.last_sweep), at=answer.last_sweep_at)
