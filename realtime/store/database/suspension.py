"""Suspending sessions of lost workers and silent sessions, on Django models."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from realtime.models import LiveSession
from realtime.protocol.codes import CloseCode

from ..records import Session
from ..timeouts import Timeouts
from . import rows
from .leases import WorkerLeases
from .rows import CONNECTED, SUSPENDED
from .transaction import Database


class Suspension:
    """Used within the caller's transaction."""

    def __init__(self, database: Database, timeouts: Timeouts, leases: WorkerLeases) -> None:
        self._database = database
        self._timeouts = timeouts
        self._leases = leases
        self._live = LiveSession.objects.using(database.alias)

    def suspend_lost(self, finder: str, now: int, limit: int) -> tuple[int, tuple[Session, ...]]:
        """Suspend sessions of workers whose lease has ended; how many workers are now lost. The
        ``finder`` is the worker that asks; if it stood still, nothing is suspended.

        A worker is lost once none of its sessions is connected, so the next step finds one that
        has more than ``limit`` again.
        """
        expired = list(self._leases.expired(now).order_by("id").values_list("id", flat=True))
        if not expired or self._leases.stood_still(finder, now):
            return 0, ()
        suspended = self._suspend_where(Q(worker__in=expired), now, limit, "worker lost")
        connected = self._live.filter(state=CONNECTED, worker__in=expired)
        remaining = set(connected.values_list("worker", flat=True))
        emptied = self._leases.expired(now).filter(id__in=set(expired) - remaining)
        return emptied.update(lost=True, connections=0), suspended

    def suspend_silent(self, now: int, limit: int) -> tuple[Session, ...]:
        """Suspend connected sessions that have not beaten in time."""
        return self._suspend_where(self.silent(now), now, limit, "no beat in time")

    def suspend_of(self, worker: str, now: int) -> tuple[Session, ...]:
        """Suspend all sessions of a leaving worker; a repeat finds them by their claimant."""
        claimant = f"{worker} left"
        connected = self._live.filter(worker=worker, state=CONNECTED)
        chosen = connected.select_for_update().order_by("id")
        self._suspend(chosen, now, "worker left", worker="", claimant=claimant)
        suspended = self._live.filter(state=SUSPENDED, claimant=claimant)
        return rows.to_records(suspended.order_by("id"))

    def silent(self, now: int) -> Q:
        """Connected sessions that have not beaten in time, or beat in the future."""
        implausible = Q(last_beat__gt=self._timeouts.latest_plausible(now))
        return Q(deadline__lt=now) | implausible

    def lock_free(self, live: QuerySet[LiveSession]) -> QuerySet[LiveSession]:
        """Rows by id, locked, without those that another transaction has locked.

        Those are in use right now, so a sweep does not wait for them, and blocks no other call in
        turn; its next step finds them again.
        """
        skip = self._database.connection.features.has_select_for_update_skip_locked
        return live.select_for_update(skip_locked=skip).order_by("id")

    def change(self, changes: Sequence[tuple[LiveSession, dict[str, Any]]]) -> tuple[Session, ...]:
        """Set the columns of these rows, here and in the database."""
        for row, values in changes:
            rows.assign(row, values)
        rows.update_rows(self._database.connection, [(row.id, values) for row, values in changes])
        return rows.to_records(row for row, _ in changes)

    def _suspend_where(self, which: Q, now: int, limit: int, reason: str) -> tuple[Session, ...]:
        connected = self._live.filter(which, state=CONNECTED)
        return self._suspend(self.lock_free(connected)[:limit], now, reason)

    def _suspend(
        self, chosen: Iterable[LiveSession], now: int, reason: str, **columns: str
    ) -> tuple[Session, ...]:
        values = {
            "state": SUSPENDED,
            "claimant": "",
            "end_code": CloseCode.LOST.value,
            "end_reason": reason,
            "deadline": now + self._timeouts.resume_ms,
            "since": now,
            **columns,
        }
        return self.change([(row, {**values, **rows.times_of(row, now)}) for row in chosen])
