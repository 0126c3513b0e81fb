"""Putting sessions back on Django models, after the store lost some of its content."""

from collections.abc import Sequence
from typing import Any

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL

from ..records import LossReason, LostSession, Registration
from . import rows
from .parts import SharedParts
from .rows import CONNECTED, ONLINE


class RegistrationOperations(SharedParts):
    """Of two workers that register the same session, the higher generation wins, in either
    order."""

    def register(
        self, worker: str, registrations: Sequence[Registration]
    ) -> tuple[LostSession, ...]:
        with self._database.write() as now:
            if self._tombstones.exist(now, worker):
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
                    replaced.append((row.id, given[row.id] | _kept_request(row)))
                elif row.worker == worker and row.state in ONLINE:
                    beaten.append((row.id, self._updated(row, registration, now)))
            rows.update_rows(self._database.connection, replaced)
            rows.update_rows(self._database.connection, beaten)
            self._settle_rooms(known, dict(replaced + beaten))
            put = {id_ for id_, _ in replaced + beaten}
            self._presences.replace(
                {r.session.id: r.presence for r in registrations if r.session.id in put}
            )
            return tuple(lost)

    def _insert_unknown(self, given: dict[str, dict[str, Any]]) -> None:
        """Before any row is read, so that sessions inserted concurrently are found like all
        others."""
        new = [LiveSession(id=id_, **columns) for id_, columns in sorted(given.items())]
        self._live.bulk_create(new, ignore_conflicts=True)

    def _without_closed(self, known: dict[str, LiveSession], now: int) -> dict[str, LiveSession]:
        """Read last, so that a session closed meanwhile is found, too. One that is connected
        beside its tombstone was inserted just now, and is deleted."""
        tombstones = self._tombstones.find(known, now)
        self._live.filter(id__in=tombstones, state=CONNECTED)._raw_delete(self._database.alias)
        return {id_: row for id_, row in known.items() if id_ not in tombstones}

    def _as_it_was(self, worker: str, registration: Registration, now: int) -> dict[str, Any]:
        columns = rows.of_registration(registration, worker)
        # The worker may remember times of a clock that was set back since.
        began = {name: min(columns[name], now) for name in ("opened_at", "connected_at")}
        last_beat = max(began["connected_at"], now - registration.idle_ms)
        return columns | began | self._beat_times(last_beat)

    def _updated(self, row: LiveSession, registration: Registration, now: int) -> dict[str, Any]:
        times = rows.times_of(row, now)
        last_beat = max(times["last_beat"], now - registration.idle_ms)
        columns = rows.of_beat(rows.update_of(registration))
        known = {
            "rooms": rows.of_rooms(registration.session.rooms),
            "turn": max(row.turn, registration.session.turn),
            "login": registration.session.peer.login,
        }
        return columns | known | times | self._beat_times(last_beat)

    def _settle_rooms(
        self, known: dict[str, LiveSession], changed: dict[str, dict[str, Any]]
    ) -> None:
        """The rows of sessions inserted just now have their rooms; their memberships are due."""
        rooms_of = {id_: columns["rooms"] for id_, columns in changed.items()}
        self._memberships.remove(
            id_ for id_, rooms in rooms_of.items() if known[id_].rooms not in ("", rooms)
        )
        self._memberships.add(rooms_of.items())

    def _beat_times(self, last_beat: int) -> dict[str, int]:
        return {"last_beat": last_beat, "deadline": self._timeouts.silence_deadline(last_beat)}


def _kept_request(row: LiveSession) -> dict[str, Any]:
    if row.close_code < FINAL:
        return {"close_code": 0, "close_reason": ""}
    return {"close_code": row.close_code, "close_reason": row.close_reason}
