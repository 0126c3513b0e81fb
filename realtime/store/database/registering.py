"""Sessions put back on Django models, after the store has lost some of its content."""

from collections.abc import Sequence
from typing import Any

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL

from ..records import LossReason, LostSession, Registration
from ..timeouts import Timeouts
from . import rows
from .memberships import Memberships
from .rows import CONNECTED, ONLINE
from .tombstones import Tombstones
from .transaction import Database


class Registrations:
    """See the contract. What two workers both believe to have goes to the higher generation,
    whoever comes first."""

    def __init__(
        self,
        database: Database,
        windows: Timeouts,
        memberships: Memberships,
        tombstones: Tombstones,
    ) -> None:
        self._database = database
        self._windows = windows
        self._memberships = memberships
        self._tombstones = tombstones
        self._live = LiveSession.objects.using(database.alias)

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        """See the contract."""
        with self._database.write() as now:
            if self._tombstones.is_late(now, worker):
                return ()
            given = {r.session.id: self._as_it_was(worker, r, now) for r in registrations}
            self._insert_unknown(given)
            known = self._without_closed(rows.lock(self._live, given), now)
            replaced, beaten, lost = [], [], []
            for registration in registrations:
                session = registration.session
                row = known.get(session.id)
                if row is None:
                    continue  # closed
                if row.generation > session.generation:
                    lost.append(LostSession(session.id, session.generation, LossReason.TAKEN_OVER))
                elif row.generation < session.generation:
                    replaced.append((row.id, given[row.id] | _request_kept(row)))
                elif row.worker == worker and row.state in ONLINE:
                    beaten.append((row.id, self._beaten(row, registration, now)))
            rows.update_rows(self._database.connection, replaced)
            rows.update_rows(self._database.connection, beaten)
            self._settle(known, dict(replaced + beaten))
            return tuple(lost)

    def _insert_unknown(self, given: dict[str, dict[str, Any]]) -> None:
        """Before anything is looked at, so that what somebody else puts back meanwhile
        is found like everything that was there before."""
        new = [LiveSession(id=id_, **columns) for id_, columns in sorted(given.items())]
        self._live.bulk_create(new, ignore_conflicts=True)

    def _without_closed(self, known: dict[str, LiveSession], now: int) -> dict[str, LiveSession]:
        """Looked at last, so that what is closed meanwhile is found as well. What is connected
        beside its tombstone was inserted just now."""
        buried = self._tombstones.those_of(known, now)
        self._live.filter(id__in=buried, state=CONNECTED)._raw_delete(self._database.alias)
        return {id_: row for id_, row in known.items() if id_ not in buried}

    def _as_it_was(self, worker: str, registration: Registration, now: int) -> dict[str, Any]:
        columns = rows.of_registration(registration, worker)
        # Its worker may remember what the clock once said.
        began = {name: min(columns[name], now) for name in ("opened_at", "connected_at")}
        last_beat = max(began["connected_at"], now - registration.idle_ms)
        return columns | began | self._lively(last_beat)

    def _beaten(self, row: LiveSession, registration: Registration, now: int) -> dict[str, Any]:
        times = rows.times_of(row, now)
        last_beat = max(times["last_beat"], now - registration.idle_ms)
        beat = rows.of_beat(rows.pulse_of(registration))
        known = {
            "rooms": rows.of_rooms(registration.session.rooms),
            "turn": max(row.turn, registration.session.turn),
        }
        return beat | known | times | self._lively(last_beat)

    def _settle(self, known: dict[str, LiveSession], put: dict[str, dict[str, Any]]) -> None:
        """Those that were inserted just now are known with their rooms, but not yet in them."""
        after = {id_: columns["rooms"] for id_, columns in put.items()}
        self._memberships.remove(
            id_ for id_, rooms in after.items() if known[id_].rooms not in ("", rooms)
        )
        self._memberships.add(after.items())

    def _lively(self, last_beat: int) -> dict[str, int]:
        return {"last_beat": last_beat, "deadline": self._windows.silence(last_beat)}


def _request_kept(row: LiveSession) -> dict[str, Any]:
    if row.close_code < FINAL:
        return {"close_code": 0, "close_reason": ""}
    return {"close_code": row.close_code, "close_reason": row.close_reason}
