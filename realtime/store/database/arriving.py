"""Sessions that are opened and resumed on Django models."""

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL
from realtime.protocol.json_limits import MAX_INTEGER

from ..records import Opening, Session, SessionLimit, Verdict
from ..timeouts import Timeouts
from ..verdicts import OUTDATED, verdict_for
from . import rows
from .admission import SessionLimitCheck
from .ends import RequestedEnds
from .memberships import Memberships
from .rows import CONNECTED, ONLINE, SUSPENDED
from .tombstones import Tombstones
from .transaction import Database
from .workers import WorkerLeases


class Openings:
    """What becomes of connections that ask for a session; each method is one transaction."""

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
        self._admission = SessionLimitCheck(database, leases)
        self._ends = RequestedEnds(database)
        self._live = LiveSession.objects.using(database.alias)

    def open(self, opening: Opening, cap: SessionLimit | None) -> Session | Verdict | None:
        """See the contract."""
        with self._database.write(gate=cap is not None) as now:
            if self._is_late(now, opening, opening.session):
                return None
            over = self._ends.verdict(opening, now)
            if over is not None and not self._live.filter(id=opening.session).exists():
                return over
            if cap is not None and not self._admission.admits(opening, cap, now):
                return None
            row = LiveSession(
                id=opening.session,
                token_hash=opening.token_hash,
                generation=1,
                opened_at=now,
                deadline=self._windows.silence(now),
                **rows.of_opening(opening, now),
            )
            # A repeat finds its own row: session ids are never used twice.
            self._live.bulk_create([row], ignore_conflicts=True)
            row = self._live.select_for_update().get(id=opening.session)
            self._memberships.add([(row.id, row.rooms)])
            return rows.to_record(row)

    def resume(self, opening: Opening) -> Session | Verdict | None:
        """See the contract."""
        with self._database.write() as now:
            if self._is_late(now, opening):
                return None
            over = self._ends.verdict(opening, now)  # before any row is locked
            row = self._live.select_for_update().filter(id=opening.session).first()
            buried = self._tombstones.those_of([opening.session], now)
            if tombstone := buried.get(opening.session):
                return self._tombstones.verdict(tombstone, opening, now)
            if row is None or row.state not in ONLINE or not _is_own(row, opening):
                return None
            return self._resume(row, opening, over, now)

    def _resume(
        self, row: LiveSession, opening: Opening, over: Verdict | None, now: int
    ) -> Session | Verdict | None:
        """The same for the session's own client, to whom ``over`` may apply."""
        if row.close_code >= FINAL:
            return verdict_for(opening, row.close_code, row.close_reason, login=row.login)
        if not self._within_window(row, now):
            return None
        if row.connection != opening.connection:
            if opening.turn is not None and opening.turn <= row.turn:
                return OUTDATED
            if over is not None:
                return over
            self._continue(row, opening, now)
        return rows.to_record(row)

    def _is_late(self, now: int, opening: Opening, *names: str) -> bool:
        """Whether the connection was given up, the worker has left, or one of these others is
        over; if not, none of it comes about before this transaction has ended."""
        self._database.hold_beside(opening.connection, beside=opening.worker)
        return self._tombstones.is_late(now, opening.connection, opening.worker, *names)

    def _within_window(self, row: LiveSession, now: int) -> bool:
        if row.state == SUSPENDED:
            return now < row.deadline and (row.since or 0) <= self._windows.believed(now)
        if row.state != CONNECTED:
            return False
        # Connected, but perhaps to a worker that died and was not swept yet.
        lease_until = self._leases.lease_of(row.worker, now)
        until = row.deadline if lease_until is None else min(row.deadline, lease_until)
        return now < until + self._windows.resume_ms

    def _continue(self, row: LiveSession, opening: Opening, now: int) -> None:
        before = row.rooms
        row.opened_at = rows.times_of(row, now)["opened_at"]
        row.since = None
        for column, value in rows.of_opening(opening, now).items():
            setattr(row, column, value)
        self._memberships.change([(row.id, before, row.rooms)])
        row.generation += 1
        row.turn = min(row.turn + 1, MAX_INTEGER) if opening.turn is None else opening.turn
        row.deadline = self._windows.silence(now)
        row.close_code, row.close_reason = 0, ""
        row.save(using=self._database.alias)


def _is_own(row: LiveSession, opening: Opening) -> bool:
    return row.token_hash == opening.token_hash and row.user == opening.peer.user
