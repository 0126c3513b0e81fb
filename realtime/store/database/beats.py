"""Beats on Django models: a worker's lease, and the updates of its sessions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..contract import BATCH
from ..records import (
    BeatAnswer,
    CloseRequest,
    LossReason,
    LostSession,
    Session,
    SessionUpdate,
    WorkerReport,
)
from . import rows
from .parts import SharedParts
from .rows import CONNECTED, ONLINE


class BeatRow(NamedTuple):
    """The columns of a session that a beat reads."""

    id: str
    generation: int
    worker: str
    state: str
    last_beat: int


class BeatOperations(SharedParts):
    """Methods of the contract; each is one transaction."""

    def beat(
        self, report: WorkerReport, updates: Sequence[SessionUpdate], *, suspend_lost: bool = True
    ) -> BeatAnswer:
        with self._database.write() as now:
            lost: tuple[LostSession, ...] = ()
            suspended: tuple[Session, ...] = ()
            renewed = self._leases.renew(report, now)
            if renewed is not None:
                lost = self._update(report.id, updates, now)
                if suspend_lost:
                    suspended = self._suspension.suspend_lost(report.id, now, BATCH)[1]
            return BeatAnswer(
                renewed=bool(renewed),
                **self._leases.counts(now),
                incarnation=self._registry.get_or_create(id=1)[0].incarnation,
                inbox=self._inbox(report.id),
                lost=lost,
                suspended=suspended,
                at=now,
            )

    def _update(
        self, worker: str, updates: Sequence[SessionUpdate], now: int
    ) -> tuple[LostSession, ...]:
        known = self._lock(update.session for update in updates)
        lost, changes, ahead, rooms_of, presences = [], [], [], {}, {}
        for update in updates:
            row = known.get(update.session)
            reason = _loss_of(row, worker, update)
            if row is None or reason is not None:
                reason = reason or LossReason.UNKNOWN
                lost.append(LostSession(update.session, update.generation, reason))
                continue
            # Reattaches a session that was suspended while its worker stood still.
            last_beat = rows.latest_beat(row.last_beat, update, now)
            deadline = self._timeouts.silence_deadline(last_beat)
            columns = {**rows.of_beat(update), "last_beat": last_beat, "deadline": deadline}
            changes.append((row.id, columns))
            if row.last_beat > now:
                ahead.append(row.id)
            if update.rooms is not None:
                rooms_of[row.id] = rows.of_rooms(update.rooms)
            if update.presence is not None:
                presences[row.id] = update.presence
        self._correct_times(ahead, now)
        rows.update_rows(self._database.connection, changes)
        self._memberships.move(rooms_of)
        self._presences.replace(presences)
        return tuple(lost)

    def _correct_times(self, sessions: Sequence[str], now: int) -> None:
        """Correct sessions with times of a clock that was set back since."""
        if sessions:
            known = rows.lock(self._live, sessions).values()
            changes = [(row.id, rows.times_of(row, now)) for row in known]
            rows.update_rows(self._database.connection, changes)

    def _lock(self, sessions: Iterable[str]) -> dict[str, BeatRow]:
        """Like :func:`rows.lock`, with the few columns that a beat reads."""
        chosen = self._live.select_for_update().filter(id__in=list(sessions)).order_by("id")
        return {values[0]: BeatRow(*values) for values in chosen.values_list(*BeatRow._fields)}

    def _inbox(self, worker: str) -> tuple[CloseRequest, ...]:
        requested = self._live.filter(worker=worker, close_code__gt=0, state=CONNECTED)
        return tuple(
            CloseRequest(row.id, row.generation, row.close_code, row.close_reason)
            for row in requested.order_by("id")[:BATCH]
        )


def _loss_of(row: BeatRow | None, worker: str, update: SessionUpdate) -> LossReason | None:
    if row is None:
        return LossReason.UNKNOWN
    if row.generation > update.generation:
        return LossReason.TAKEN_OVER
    if row.worker != worker or row.state not in ONLINE:
        return LossReason.UNKNOWN
    return None
