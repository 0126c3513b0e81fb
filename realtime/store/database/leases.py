"""Workers on Django models: their leases, and their counts, which outlive them."""

from collections.abc import Sequence

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from msgspec.structs import asdict

from realtime.models import Registry, Worker

from ..contract import LOST_WORKER_KEPT_MS
from ..records import Deliveries, WorkerReport
from ..timeouts import Timeouts
from .tombstones import Tombstones
from .transaction import Database

FOLD_AFTER_MS = 24 * 3600 * 1000

DELIVERIES = tuple(Deliveries.__struct_fields__)
COUNTS = ("pings", "pongs", "timeouts", *DELIVERIES)


class WorkerLeases:
    """Used within the caller's transaction.

    A day after a worker was lost, its counts are folded into the registry's one row, so that few
    rows are summed up. Its own row stays for a month: a worker that was only frozen finds there
    what was folded, so that nothing is counted twice.
    """

    def __init__(self, database: Database, timeouts: Timeouts, tombstones: Tombstones) -> None:
        self._timeouts = timeouts
        self._tombstones = tombstones
        self._workers = Worker.objects.using(database.alias)
        self._registry = Registry.objects.using(database.alias)

    def leased(self, now: int) -> QuerySet[Worker]:
        """Workers whose lease runs."""
        latest = self._timeouts.latest_plausible(now)
        return self._workers.filter(lost=False, lease_until__gte=now, beat_at__lte=latest)

    def expired(self, now: int) -> QuerySet[Worker]:
        """Workers whose lease has ended and that are not yet marked as lost."""
        return self._workers.filter(self._ended(now), lost=False)

    def dead(self, now: int) -> QuerySet[Worker]:
        """Workers whose lease has ended, marked as lost or not."""
        return self._workers.filter(Q(lost=True) | self._ended(now))

    def _ended(self, now: int) -> Q:
        return Q(lease_until__lt=now) | Q(beat_at__gt=self._timeouts.latest_plausible(now))

    def stood_still(self, worker: str, now: int) -> bool:
        """Whether its lease is in the future, or ended without being given back and was renewed
        less than a lease ago: the worker stood still, or the clock was set. Other workers may have
        yet to beat."""
        still = Q(lost=False) & (self._ended(now) | Q(still_until__gte=now))
        return self._workers.filter(still, id=worker).exists()

    def lease_of(self, worker: str, now: int) -> int | None:
        """When its lease ends or ended; None if it never had one."""
        row = self._workers.filter(id=worker).first()
        if row is None:
            return None
        over = row.lost or row.beat_at > self._timeouts.latest_plausible(now)
        return min(row.lease_until, now - 1) if over else row.lease_until

    def renew(self, report: WorkerReport, now: int) -> bool | None:
        """Take or renew the worker's lease and store its report.

        Returns whether the lease still ran. Returns None, and changes nothing, if it has left.
        """
        values = asdict(report)
        values.pop("id")
        values |= asdict(values.pop("deliveries"))
        until = now + self._timeouts.lease_ms
        values |= {"lease_until": until, "beat_at": now, "lost": False, "folded": False}
        mine = self._workers.filter(id=report.id)
        if self.leased(now).filter(id=report.id).update(**values) == 1:
            return True
        if not mine.filter(lost=False).exists() and self._tombstones.exist(now, report.id):
            return None
        values["still_until"] = until if self.stood_still(report.id, now) else 0
        self.note_clock_step(now)
        self._add_to_registry(list(mine.filter(folded=True).select_for_update()), sign=-1)
        self._workers.update_or_create(id=report.id, defaults=values)
        return False

    def note_clock_step(self, now: int) -> None:
        """Record that the clock was set back, if the last beat of a worker or the end of a lost
        lease is in the future; from the latest such time, if it went back in several steps."""
        beaten = Max("beat_at", filter=Q(lost=False), default=0)
        lost = Max("lease_until", filter=Q(lost=True), default=0)
        latest = max(self._workers.aggregate(beaten=beaten, lost=lost).values())
        if latest > self._timeouts.latest_plausible(now):
            before = self._registry.filter(id=1).values_list("set_back_from", flat=True).first()
            step = {"set_back_at": now, "set_back_from": max(latest, before or 0)}
            self._registry.update_or_create(id=1, defaults=step)

    def give_back(self, worker: str, now: int) -> None:
        """End its lease."""
        leased = self._workers.filter(id=worker, lost=False)
        leased.update(lease_until=now - 1, beat_at=now - 1, connections=0, lost=True)

    def counts(self, now: int) -> dict[str, int]:
        """How many ``workers`` have a lease, and how many sessions are ``online`` there."""
        live = self.leased(now)
        return live.aggregate(online=Sum("connections", default=0), workers=Count("id"))

    def fold(self, now: int) -> None:
        """Fold the counts of workers lost a day ago; delete those lost a month ago."""
        lost = self._workers.filter(lost=True)
        lost.filter(lease_until__gt=now).update(lease_until=now)  # written by a wrong clock
        old = lost.filter(folded=False, lease_until__lt=now - FOLD_AFTER_MS)
        rows = list(old.select_for_update().order_by("id"))
        self._add_to_registry(rows, sign=1)
        self._workers.filter(id__in=[row.id for row in rows]).update(folded=True)
        lost.filter(folded=True, lease_until__lt=now - LOST_WORKER_KEPT_MS).delete()

    def _add_to_registry(self, rows: Sequence[Worker], *, sign: int) -> None:
        if not rows:
            return
        self._registry.get_or_create(id=1)
        sums = {name: sum(getattr(row, name) for row in rows) for name in COUNTS}
        folded = {name: F(name) + sign * sums[name] for name in COUNTS}
        self._registry.filter(id=1).update(**folded)
