"""Stats of the registry on Django models: now, and over the last hour."""

import secrets
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from msgspec.structs import replace

from realtime.models import LiveSession, Registry, Sample, Worker

from ..contract import SAMPLE_EVERY_MS, SAMPLES_KEPT_MS
from ..histogram import merged_percentiles
from ..records import Deliveries, Stats, StatsSample, SweepReport, WorkerReport
from .leases import COUNTS, DELIVERIES
from .parts import SharedParts
from .rows import CONNECTED, SUSPENDED

_REPORT = (*(name for name in WorkerReport.__struct_fields__ if name != "deliveries"), *DELIVERIES)


class StatsOperations(SharedParts):
    """Methods of the contract; each is one transaction."""

    @property
    def _samples(self) -> QuerySet[Sample]:
        return Sample.objects.using(self._database.alias)

    def stats(self) -> Stats:
        with self._database.read() as now:
            connected = Q(state=CONNECTED)
            counts = self._live.aggregate(
                connected=Count("id", filter=connected),
                users=Count("user", filter=connected & ~Q(user=""), distinct=True),
                unhealthy=Count("id", filter=connected & Q(missed__gt=0)),
                suspended=Count("id", filter=Q(state=SUSPENDED)),
            )
            latencies = list(self._leases.leased(now).values_list("latency", flat=True))
            median, high = merged_percentiles(latencies)
            registry = self._registry.first() or Registry()
            return Stats(
                **counts,
                healthy=counts["connected"] - counts["unhealthy"],
                workers=len(latencies),
                **self._totals(registry),
                last_sweep=_last_sweep(registry, now),
                latency_p50=median,
                latency_p95=high,
            )

    def workers(self) -> tuple[WorkerReport, ...]:
        with self._database.read() as now:
            rows = self._leases.leased(now).order_by("host", "pid", "id").values(*_REPORT)
            return tuple(_report(row) for row in rows)

    def sample(self) -> None:
        with self._database.write() as now:
            at = now - now % SAMPLE_EVERY_MS
            if self._samples.filter(at=at).exists():
                return
            workers = list(self._leases.leased(now).values_list("connections", "latency"))
            median, high = merged_percentiles(latency for _, latency in workers)
            row = Sample(
                at=at,
                connected=sum(connections for connections, _ in workers),
                suspended=self._live.filter(state=SUSPENDED).count(),
                latency_p50=median,
                latency_p95=high,
            )
            # Another worker may have inserted it meanwhile, where transactions run side by side.
            self._samples.bulk_create([row], ignore_conflicts=True)
            # Samples in the future are from a wrong clock.
            self._samples.filter(Q(at__lt=at - SAMPLES_KEPT_MS) | Q(at__gt=now)).delete()

    def samples(self, *, after: int = 0) -> tuple[StatsSample, ...]:
        with self._database.read() as now:
            since = max(after if after <= now else 0, now - SAMPLES_KEPT_MS)
            rows = self._samples.filter(at__gt=since, at__lte=now).order_by("at")
            return tuple(
                StatsSample(*row) for row in rows.values_list(*StatsSample.__struct_fields__)
            )

    def probe(self) -> None:
        """No other transaction ever sees the row."""
        times = dict.fromkeys(("opened_at", "connected_at", "last_beat", "deadline"), 0)
        row = LiveSession(id=f"probe {secrets.token_hex(16)}", **times)
        with self._database.write():
            self._live.bulk_create([row])
            self._live.filter(id=row.id)._raw_delete(self._database.alias)

    def _totals(self, registry: Registry) -> dict[str, Any]:
        own = Worker.objects.using(self._database.alias).filter(folded=False)
        sums = own.aggregate(**{f"all_{name}": Sum(name, default=0) for name in COUNTS})
        return _with_deliveries(
            {name: getattr(registry, name) + sums[f"all_{name}"] for name in COUNTS}
        )


def _last_sweep(registry: Registry, now: int) -> SweepReport | None:
    if not registry.last_sweep:
        return None
    report = SweepReport(**registry.last_sweep)
    return replace(report, at=min(report.at, now))


def _with_deliveries(counts: dict[str, Any]) -> dict[str, Any]:
    """The counts, with those of deliveries in a record of their own."""
    deliveries = Deliveries(**{name: counts.pop(name) for name in DELIVERIES})
    return {**counts, "deliveries": deliveries}


def _report(row: dict[str, Any]) -> WorkerReport:
    return WorkerReport(**{**_with_deliveries(row), "latency": tuple(map(tuple, row["latency"]))})
