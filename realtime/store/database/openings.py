"""Opening and resuming sessions on Django models."""

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL
from realtime.protocol.json_limits import MAX_INTEGER

from ..records import Opening, Session, SessionLimit, Verdict
from ..verdicts import OUTDATED_TURN, verdict_for
from . import rows
from .parts import SharedParts
from .rows import CONNECTED, ONLINE, SUSPENDED


class OpeningOperations(SharedParts):
    """Methods of the contract; each is one transaction."""

    def open(
        self, opening: Opening, *, limit: SessionLimit | None = None
    ) -> Session | Verdict | None:
        with self._database.write(exclusive=limit is not None) as now:
            if self._is_late(now, opening, opening.session):
                return None
            verdict = self._requested_ends.verdict(opening, now)
            if verdict is not None and not self._live.filter(id=opening.session).exists():
                return verdict
            if limit is not None and not self._session_limit.make_room(opening, limit, now):
                return None
            row = LiveSession(
                id=opening.session,
                token_hash=opening.token_hash,
                generation=1,
                opened_at=now,
                deadline=self._timeouts.silence_deadline(now),
                **rows.of_opening(opening, now),
            )
            is_new = opening.presence and not self._live.filter(id=opening.session).exists()
            # A repeat finds its own row: session ids are never used twice.
            self._live.bulk_create([row], ignore_conflicts=True)
            row = self._live.select_for_update().get(id=opening.session)
            self._memberships.add([(row.id, row.rooms)])
            if is_new:
                self._presences.add([(row.id, opening.presence)])
            return rows.to_record(row)

    def resume(self, opening: Opening) -> Session | Verdict | None:
        with self._database.write() as now:
            if self._is_late(now, opening):
                return None
            requested = self._requested_ends.verdict(opening, now)  # before any row is locked
            row = self._live.select_for_update().filter(id=opening.session).first()
            tombstones = self._tombstones.find([opening.session], now)
            if tombstone := tombstones.get(opening.session):
                return self._tombstones.verdict(tombstone, opening, now)
            if row is None or row.state not in ONLINE or not _is_own(row, opening):
                return None
            return self._resume_own(row, opening, requested, now)

    def change_login(self, session: str, connection: str, login: str) -> Session | Verdict | None:
        with self._database.write() as now:
            requested = self._requested_ends.verdict_on_login(login, now)
            own = self._live.select_for_update().filter(id=session, connection=connection)
            row = own.filter(state__in=ONLINE).first()
            if row is None:
                return None
            if requested is not None:
                return requested
            row.login = login
            row.save(using=self._database.alias, update_fields=["login"])
            return rows.to_record(row)

    def _resume_own(
        self, row: LiveSession, opening: Opening, requested: Verdict | None, now: int
    ) -> Session | Verdict | None:
        """Resume for the session's own client; ``requested`` is the verdict of a requested end."""
        if row.close_code >= FINAL:
            return verdict_for(opening, row.close_code, row.close_reason, login=row.login)
        if not self._within_window(row, now):
            return None
        if row.connection != opening.connection:
            if opening.turn is not None and opening.turn <= row.turn:
                return OUTDATED_TURN
            if requested is not None:
                return requested
            self._move_to_connection(row, opening, now)
        return rows.to_record(row)

    def _is_late(self, now: int, opening: Opening, *names: str) -> bool:
        """Whether the opening's connection, its worker or one of ``names`` has a tombstone; if
        not, none appears before this transaction has ended."""
        self._database.hold_beside(opening.connection, beside=opening.worker)
        return self._tombstones.exist(now, opening.connection, opening.worker, *names)

    def _within_window(self, row: LiveSession, now: int) -> bool:
        if row.state == SUSPENDED:
            is_plausible = (row.since or 0) <= self._timeouts.latest_plausible(now)
            return now < row.deadline and is_plausible
        if row.state != CONNECTED:
            return False
        # Connected, but its worker may have died and not been swept yet.
        lease_until = self._leases.lease_of(row.worker, now)
        until = row.deadline if lease_until is None else min(row.deadline, lease_until)
        return now < until + self._timeouts.resume_ms

    def _move_to_connection(self, row: LiveSession, opening: Opening, now: int) -> None:
        before = row.rooms
        row.opened_at = rows.times_of(row, now)["opened_at"]
        row.since = None
        rows.assign(row, rows.of_opening(opening, now))
        self._memberships.change([(row.id, before, row.rooms)])
        self._presences.replace({row.id: opening.presence})
        row.generation += 1
        row.turn = min(row.turn + 1, MAX_INTEGER) if opening.turn is None else opening.turn
        row.deadline = self._timeouts.silence_deadline(now)
        row.close_code, row.close_reason = 0, ""
        row.save(using=self._database.alias)


def _is_own(row: LiveSession, opening: Opening) -> bool:
    return row.token_hash == opening.token_hash and row.user == opening.peer.user
