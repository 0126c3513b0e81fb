"""The sweep on Django models: suspend dead sessions, claim those to be closed."""

from typing import Any

from django.db.models import Q
from msgspec.structs import asdict

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL, reason_for

from ..contract import BATCH
from ..records import Overdue, Session, SweepReport, Swept
from . import rows
from .parts import SharedParts
from .rows import CLOSING, CONNECTED, SUSPENDED


class SweepOperations(SharedParts):
    """Steps of a sweep. Safe to run twice, concurrently, or from several places."""

    def sweep(self, claimant: str, *, limit: int = BATCH) -> Swept:
        with self._database.write() as now:
            self._leases.note_clock_step(now)  # before the leases in the future are cleared
            workers_lost, suspended = self._suspend_due(claimant, now, limit)
            claimed = self._claim(claimant, now, limit)
            self._leases.fold(now)
            self._tombstones.prune(now)
            return Swept(suspended, claimed, workers_lost)

    def _suspend_due(self, claimant: str, now: int, limit: int) -> tuple[int, tuple[Session, ...]]:
        worker = claimant.partition(" ")[0]
        if self._leases.stood_still(worker, now):
            return 0, ()
        workers_lost, suspended = self._suspension.suspend_lost(worker, now, limit)
        silent = self._suspension.suspend_silent(now, limit - len(suspended))
        return workers_lost, suspended + silent

    def overdue(self) -> Overdue:
        with self._database.read() as now:
            expired = self._leases.expired(now)
            dead = self._suspension.silent(now) | Q(worker__in=expired.values("id"))
            dead_connected = Q(state=CONNECTED) & dead
            # A suspended session whose final end was requested is closed in the same step.
            unwanted = dead_connected & Q(close_code__gte=FINAL)
            return Overdue(
                suspend=self._live.filter(dead_connected).count(),
                close=self._live.filter(self._to_close(now) | unwanted).count(),
                workers_lost=expired.count(),
            )

    def note_sweep(self, report: SweepReport) -> None:
        with self._database.write() as now:
            last = {**asdict(report), "at": now}
            self._registry.update_or_create(id=1, defaults={"last_sweep": last})

    def _to_close(self, now: int) -> Q:
        """Sessions whose resume window or claim has ended, or whose final end was requested."""
        ended = Q(deadline__lt=now) | Q(since__gt=self._timeouts.latest_plausible(now))
        expired = Q(state__in=(SUSPENDED, CLOSING)) & ended
        return expired | Q(state=SUSPENDED, close_code__gte=FINAL)

    def _claim(self, claimant: str, now: int, limit: int) -> tuple[Session, ...]:
        # A repeated call returns what it claimed before, until that is confirmed.
        mine = Q(state=CLOSING, claimant=claimant)
        due = self._live.filter(self._to_close(now) | mine)
        chosen = list(self._suspension.lock_free(due)[:limit])
        taken = [row for row in chosen if row.state != CLOSING or self._is_free(row, now)]
        suspended = [row for row in taken if row.state == SUSPENDED]
        left = [row.id for row in suspended if row.rooms]
        unwanted = [row for row in taken if _is_unwanted(row)]
        self._suspension.change([(row, self._claimed(row, claimant, now)) for row in taken])
        self._memberships.remove(left)
        self._presences.remove(row.id for row in suspended)
        self._tombstones.add_sessions(unwanted, now)
        return rows.to_records(chosen)

    def _is_free(self, row: LiveSession, now: int) -> bool:
        """Whether its claim has ended."""
        return row.deadline < now or (row.since or 0) > self._timeouts.latest_plausible(now)

    def _claimed(self, row: LiveSession, claimant: str, now: int) -> dict[str, Any]:
        unwanted = _is_unwanted(row)
        return {
            "state": CLOSING,
            "worker": "",
            "claimant": claimant,
            "deadline": now + self._timeouts.claim_ms,
            "since": now,
            **rows.times_of(row, now),
            "end_code": row.close_code if unwanted else row.end_code,
            "end_reason": _close_reason(row) if unwanted else row.end_reason,
            # A suspended session has left its rooms already.
            "rooms": "" if row.state == SUSPENDED else row.rooms,
        }


def _is_unwanted(row: LiveSession) -> bool:
    return row.state == SUSPENDED and row.close_code >= FINAL


def _close_reason(row: LiveSession) -> str:
    return row.close_reason or reason_for(row.close_code)
