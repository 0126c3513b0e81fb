"""The sweep on Django models: suspend what is dead, claim what is to be closed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL, CloseCode, reason_for

from ..records import Overdue, Session, Swept
from ..timeouts import Timeouts
from . import rows
from .memberships import Memberships
from .rows import CLOSING, CONNECTED, SUSPENDED
from .tombstones import Tombstones
from .transaction import Database
from .workers import WorkerLeases


class Sweep:
    """Steps of a sweep. Correct when run twice, at once, or from several places."""

    def __init__(
        self,
        database: Database,
        windows: Timeouts,
        leases: WorkerLeases,
        memberships: Memberships,
        tombstones: Tombstones,
    ) -> None:
        self._database = database
        self._windows = windows
        self._leases = leases
        self._memberships = memberships
        self._tombstones = tombstones
        self._live = LiveSession.objects.using(database.alias)

    def sweep(self, claimant: str, limit: int) -> Swept:
        """One step; see the contract."""
        with self._database.write() as now:
            self._leases.notice_step(now)  # before it is forgotten who was ahead
            workers_lost, suspended = self._suspend_due(claimant, now, limit)
            claimed = self._claim(claimant, now, limit)
            self._leases.fold(now)
            self._tombstones.forget(now)
            return Swept(suspended, claimed, workers_lost)

    def _suspend_due(self, claimant: str, now: int, limit: int) -> tuple[int, tuple[Session, ...]]:
        worker = claimant.partition(" ")[0]
        if self._leases.stood_still(worker, now):
            return 0, ()
        workers_lost, suspended = self.suspend_lost(now, limit)
        return workers_lost, suspended + self._suspend_silent(now, limit - len(suspended))

    def overdue(self) -> Overdue:
        """Counts of what :meth:`sweep` would take, without a limit."""
        with self._database.read() as now:
            lapsed = self._leases.lapsed(now)
            dead = self._silent(now) | Q(worker__in=lapsed.values("id"))
            dead_connected = Q(state=CONNECTED) & dead
            # What is suspended although its end was asked for is closed in the same step.
            unwanted = dead_connected & Q(close_code__gte=FINAL)
            return Overdue(
                suspend=self._live.filter(dead_connected).count(),
                close=self._live.filter(self._to_close(now) | unwanted).count(),
                workers_lost=lapsed.count(),
            )

    def suspend_lost(self, now: int, limit: int) -> tuple[int, tuple[Session, ...]]:
        """Suspend sessions of workers whose lease has ended; how many workers are now lost.

        A worker is lost once none of its sessions is connected, so one that has more
        than ``limit`` is found again by the next step.
        """
        lapsed = list(self._leases.lapsed(now).order_by("id").values_list("id", flat=True))
        if not lapsed:
            return 0, ()
        suspended = self._suspend_dead(Q(worker__in=lapsed), now, limit, "worker lost")
        connected = self._live.filter(state=CONNECTED, worker__in=lapsed)
        left = set(connected.values_list("worker", flat=True))
        emptied = self._leases.lapsed(now).filter(id__in=set(lapsed) - left)
        return emptied.update(lost=True, connections=0), suspended

    def suspend_of(self, worker: str, now: int) -> tuple[Session, ...]:
        """Suspend whatever a leaving worker still has; a repeat finds it by its mark."""
        mark = f"{worker} left"
        connected = self._live.filter(worker=worker, state=CONNECTED)
        chosen = connected.select_for_update().order_by("id")
        self._suspend(chosen, now, "worker left", worker="", claimant=mark)
        left = self._live.filter(state=SUSPENDED, claimant=mark)
        return rows.to_records(left.order_by("id"))

    def _silent(self, now: int) -> Q:
        """What of the connected has not beaten in time, or ahead of the clock."""
        return Q(deadline__lt=now) | Q(last_beat__gt=self._windows.believed(now))

    def _to_close(self, now: int) -> Q:
        """What has ended, a resume window or a claim, and what was asked to end for good."""
        ended = Q(deadline__lt=now) | Q(since__gt=self._windows.believed(now))
        expired = Q(state__in=(SUSPENDED, CLOSING)) & ended
        return expired | Q(state=SUSPENDED, close_code__gte=FINAL)

    def _suspend_silent(self, now: int, limit: int) -> tuple[Session, ...]:
        return self._suspend_dead(self._silent(now), now, limit, "no beat in time")

    def _suspend_dead(self, which: Q, now: int, limit: int, reason: str) -> tuple[Session, ...]:
        connected = self._live.filter(which, state=CONNECTED)
        return self._suspend(self._free(connected)[:limit], now, reason)

    def _free(self, live: QuerySet[LiveSession]) -> QuerySet[LiveSession]:
        """Rows by id, locked, without those that somebody else has locked.

        They are in use this very moment, so a sweep does not wait for them, and nobody
        for it in turn; the next step finds them again.
        """
        skip = self._database.connection.features.has_select_for_update_skip_locked
        return live.select_for_update(skip_locked=skip).order_by("id")

    def _suspend(
        self, chosen: Iterable[LiveSession], now: int, reason: str, **marks: str
    ) -> tuple[Session, ...]:
        values = {
            "state": SUSPENDED,
            "claimant": "",
            "end_code": CloseCode.LOST.value,
            "end_reason": reason,
            "deadline": now + self._windows.resume_ms,
            "since": now,
            **marks,
        }
        return self._change([(row, {**values, **rows.times_of(row, now)}) for row in chosen])

    def _claim(self, claimant: str, now: int, limit: int) -> tuple[Session, ...]:
        # A repeated call is given what it was given before, until that is confirmed.
        mine = Q(state=CLOSING, claimant=claimant)
        due = self._live.filter(self._to_close(now) | mine)
        chosen = list(self._free(due)[:limit])
        taken = [row for row in chosen if row.state != CLOSING or self._is_free(row, now)]
        left = [row.id for row in taken if row.state == SUSPENDED and row.rooms]
        unwanted = [row for row in taken if _is_unwanted(row)]
        self._change([(row, self._claimed(row, claimant, now)) for row in taken])
        self._memberships.remove(left)
        self._tombstones.bury_sessions(unwanted, now)
        return rows.to_records(chosen)

    def _is_free(self, row: LiveSession, now: int) -> bool:
        """Whether its claim has ended."""
        return row.deadline < now or (row.since or 0) > self._windows.believed(now)

    def _claimed(self, row: LiveSession, claimant: str, now: int) -> dict[str, Any]:
        unwanted = _is_unwanted(row)
        return {
            "state": CLOSING,
            "worker": "",
            "claimant": claimant,
            "deadline": now + self._windows.claim_ms,
            "since": now,
            **rows.times_of(row, now),
            "end_code": row.close_code if unwanted else row.end_code,
            "end_reason": _wish(row) if unwanted else row.end_reason,
            # Who was suspended has left them already.
            "rooms": "" if row.state == SUSPENDED else row.rooms,
        }

    def _change(self, changes: Sequence[tuple[LiveSession, dict[str, Any]]]) -> tuple[Session, ...]:
        """Set the columns of these rows, here and in the database."""
        for row, values in changes:
            for column, value in values.items():
                setattr(row, column, value)
        rows.update_rows(self._database.connection, [(row.id, values) for row, values in changes])
        return rows.to_records(row for row, _ in changes)


def _is_unwanted(row: LiveSession) -> bool:
    return row.state == SUSPENDED and row.close_code >= FINAL


def _wish(row: LiveSession) -> str:
    return row.close_reason or reason_for(row.close_code)
