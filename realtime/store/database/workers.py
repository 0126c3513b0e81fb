"""Workers on Django models: their leases, and counts that outlive them."""

from collections.abc import Sequence

from django.db.models import Count, F, Sum
from msgspec.structs import asdict

from realtime.models import Registry, Worker

from ..base import LOST_WORKER_KEPT_MS
from ..records import Deliveries, WorkerReport
from ..windows import Windows
from .transaction import Database

FOLD_AFTER_MS = 24 * 3600 * 1000

DELIVERIES = tuple(Deliveries.__struct_fields__)
COUNTS = ("pings", "pongs", "timeouts", *DELIVERIES)


class Workers:
    """Used within the caller's transaction.

    The counts of a worker long lost are folded into the registry's one row, so that few
    rows are summed up. Its own row stays for a month: should it only have been frozen, it
    finds there what has been folded, and nothing is counted twice.
    """

    def __init__(self, database: Database, windows: Windows) -> None:
        self._windows = windows
        self._workers = Worker.objects.using(database.alias)
        self._registry = Registry.objects.using(database.alias)

    def renew(self, worker: WorkerReport, now: int) -> bool:
        """Take or renew its lease and note its report; whether the lease still ran."""
        values = asdict(worker)
        values.pop("id")
        values |= asdict(values.pop("deliveries"))
        values |= {"lease_until": now + self._windows.lease_ms, "lost": False, "folded": False}
        mine = self._workers.filter(id=worker.id)
        if mine.filter(lost=False, lease_until__gte=now).update(**values) == 1:
            return True
        self._add_to_registry(list(mine.filter(folded=True).select_for_update()), sign=-1)
        self._workers.update_or_create(id=worker.id, defaults=values)
        return False

    def present(self, now: int) -> dict[str, int]:
        """How many have a lease, and how many are ``online`` there."""
        live = self._workers.filter(lease_until__gte=now, lost=False)
        return live.aggregate(online=Sum("connections", default=0), workers=Count("id"))

    def fold(self, now: int) -> None:
        """Fold the counts of those lost a day ago; forget those lost a month ago."""
        lost = self._workers.filter(lost=True)
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
