"""Workers on Django models: their leases, and counts that outlive them."""

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

    The counts of a worker long lost are folded into the registry's one row, so that few
    rows are summed up. Its own row stays for a month: should it only have been frozen, it
    finds there what has been folded, and nothing is counted twice.
    """

    def __init__(self, database: Database, windows: Timeouts, tombstones: Tombstones) -> None:
        self._windows = windows
        self._tombstones = tombstones
        self._workers = Worker.objects.using(database.alias)
        self._registry = Registry.objects.using(database.alias)

    def leased(self, now: int) -> QuerySet[Worker]:
        """Those whose lease runs."""
        latest = self._windows.believed(now)
        return self._workers.filter(lost=False, lease_until__gte=now, beat_at__lte=latest)

    def lapsed(self, now: int) -> QuerySet[Worker]:
        """Those whose lease has ended and that are not yet known to be lost."""
        return self._workers.filter(self._ended(now), lost=False)

    def dead(self, now: int) -> QuerySet[Worker]:
        """Those whose lease has ended, known to be lost or not."""
        return self._workers.filter(Q(lost=True) | self._ended(now))

    def _ended(self, now: int) -> Q:
        return Q(lease_until__lt=now) | Q(beat_at__gt=self._windows.believed(now))

    def stood_still(self, worker: str, now: int) -> bool:
        """Whether its lease lies ahead, or ended without its doing: it stood still, or the clock
        was set. Others have yet to beat, too."""
        return self.lapsed(now).filter(id=worker).exists()

    def lease_of(self, worker: str, now: int) -> int | None:
        """Until when its lease lasts or lasted; None if it never had one."""
        row = self._workers.filter(id=worker).first()
        if row is None:
            return None
        over = row.lost or row.beat_at > self._windows.believed(now)
        return min(row.lease_until, now - 1) if over else row.lease_until

    def renew(self, worker: WorkerReport, now: int) -> tuple[bool, bool] | None:
        """Take or renew its lease and note its report.

        Whether the lease still ran, and whether this worker stood still. None, and nothing
        happens, if it has left.
        """
        values = asdict(worker)
        values.pop("id")
        values |= asdict(values.pop("deliveries"))
        until = now + self._windows.lease_ms
        values |= {"lease_until": until, "beat_at": now, "lost": False, "folded": False}
        mine = self._workers.filter(id=worker.id)
        if self.leased(now).filter(id=worker.id).update(**values) == 1:
            return True, False
        if not mine.filter(lost=False).exists() and self._tombstones.is_late(now, worker.id):
            return None
        stood_still = self.stood_still(worker.id, now)
        self.notice_step(now)
        self._add_to_registry(list(mine.filter(folded=True).select_for_update()), sign=-1)
        self._workers.update_or_create(id=worker.id, defaults=values)
        return False, stood_still

    def notice_step(self, now: int) -> None:
        """Note that the clock was set back, if a worker has beaten, or was lost, ahead of it;
        from the furthest that is still ahead, where it went back in several steps."""
        beaten = Max("beat_at", filter=Q(lost=False), default=0)
        lost = Max("lease_until", filter=Q(lost=True), default=0)
        latest = max(self._workers.aggregate(beaten=beaten, lost=lost).values())
        if latest > self._windows.believed(now):
            before = self._registry.filter(id=1).values_list("set_back_from", flat=True).first()
            noticed = {"set_back_at": now, "set_back_from": max(latest, before or 0)}
            self._registry.update_or_create(id=1, defaults=noticed)

    def give_back(self, worker: str, now: int) -> None:
        """End its lease."""
        leased = self._workers.filter(id=worker, lost=False)
        leased.update(lease_until=now - 1, beat_at=now - 1, connections=0, lost=True)

    def present(self, now: int) -> dict[str, int]:
        """How many have a lease, and how many are ``online`` there."""
        live = self.leased(now)
        return live.aggregate(online=Sum("connections", default=0), workers=Count("id"))

    def fold(self, now: int) -> None:
        """Fold the counts of those lost a day ago; forget those lost a month ago."""
        lost = self._workers.filter(lost=True)
        lost.filter(lease_until__gt=now).update(lease_until=now)  # by a clock that was wrong
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
