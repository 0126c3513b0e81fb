"""Ending sessions, and requests to end them, on Django models."""

from collections.abc import Iterable, Sequence
from typing import Any

from realtime.models import LiveSession
from realtime.protocol.codes import FINAL

from ..contract import MAX_REASON_LEN, exactly_one
from ..records import Departure, Session
from . import rows
from .parts import SharedParts
from .rows import CLOSING, CONNECTED, ONLINE, SUSPENDED

# The columns by which a repeated suspend or close recognises its own result.
_MOVED_BY = ("state", "claimant", "worker")


class DepartureOperations(SharedParts):
    """Methods of the contract; each is one transaction."""

    def suspend(self, worker: str, departures: Sequence[Departure]) -> tuple[Session, ...]:
        with self._database.write() as now:
            until = now + self._timeouts.resume_ms
            return self._end(worker, departures, _moved(SUSPENDED, worker, until, now), now)

    def close(
        self, worker: str, departures: Sequence[Departure], claimant: str
    ) -> tuple[Session, ...]:
        with self._database.write() as now:
            until = now + self._timeouts.claim_ms
            return self._end(worker, departures, _moved(CLOSING, claimant, until, now), now)

    def _end(
        self, worker: str, departures: Sequence[Departure], moved: dict[str, Any], now: int
    ) -> tuple[Session, ...]:
        """Move the worker's own sessions; a repeated call finds its own moved already."""
        self._abandon([departure.connection for departure in departures], now)
        known = rows.lock(self._live, (departure.update.session for departure in departures))
        changes, room_changes, changed, ended = [], [], [], []
        presences: dict[str, dict[str, str] | None] = {}
        for departure in departures:
            row = known.get(departure.update.session)
            if row is None or not _concerns(departure, row):
                continue
            if row.worker == worker and row.state in ONLINE:
                values = _columns_of(row, departure, moved, now)
                room_changes.append((row.id, row.rooms, values["rooms"]))
                presences[row.id] = None if departure.connection else departure.update.presence
                changes.append((row.id, values))
                rows.assign(row, values)
                changed.append(row)
            elif any(getattr(row, column) != moved[column] for column in _MOVED_BY):
                continue
            ended.append(row)
        rows.update_rows(self._database.connection, changes)
        self._memberships.change(room_changes)
        if moved["state"] == CLOSING:
            self._presences.remove(row.id for row in changed)
            self._tombstones.add_sessions(changed, now)
        else:
            self._presences.replace(presences)
        return rows.to_records(ended)

    def _abandon(self, connections: Iterable[str], now: int) -> None:
        if abandoned := [name for name in connections if name]:
            self._database.hold_alone(abandoned)
            self._tombstones.add(abandoned, now)

    def confirm(self, sessions: Sequence[str]) -> None:
        with self._database.write():
            closing = rows.lock(self._live.filter(state=CLOSING), sessions)
            self._memberships.remove(row.id for row in closing.values() if row.rooms)
            self._live.filter(id__in=list(closing))._raw_delete(self._database.alias)

    def request_close(
        self, *, session: str = "", user: str = "", login: str = "", code: int, reason: str
    ) -> tuple[str, ...]:
        kind, value = exactly_one(session=session, user=user, login=login)
        which = {"id" if kind == "session" else kind: value}
        with self._database.write() as now:
            self._requested_ends.add(kind, value, code, reason, now)
            states = ONLINE if code >= FINAL else (CONNECTED,)
            chosen = self._live.filter(state__in=states, **which)
            ids = tuple(chosen.select_for_update().order_by("id").values_list("id", flat=True))
            # Only locked rows: others may match by now, and would be locked in any order.
            # A later request does not soften a final code.
            self._live.filter(id__in=ids, close_code__lt=FINAL).update(
                close_code=code, close_reason=reason[:MAX_REASON_LEN]
            )
            return ids

    def leave(self, worker: str) -> tuple[Session, ...]:
        with self._database.write() as now:
            self._database.hold_alone([worker])
            self._tombstones.add([worker], now)
            self._leases.give_back(worker, now)
            return self._suspension.suspend_of(worker, now)


def _moved(state: str, claimant: str, deadline: int, now: int) -> dict[str, Any]:
    moved = {"state": state, "worker": "", "claimant": claimant}
    return {**moved, "deadline": deadline, "since": now}


def _concerns(departure: Departure, row: LiveSession) -> bool:
    if departure.connection:
        return row.connection == departure.connection
    return row.generation == departure.update.generation


def _columns_of(
    row: LiveSession, departure: Departure, moved: dict[str, Any], now: int
) -> dict[str, Any]:
    """The columns after the departure; one by ``connection`` has no values of its own."""
    columns = {**rows.of_departure(departure), **moved, **rows.times_of(row, now)}
    columns["last_beat"] = rows.latest_beat(row.last_beat, departure.update, now)
    if departure.connection:
        columns |= {name: getattr(row, name) for name in rows.of_update(departure.update)}
    columns["rooms"] = _last_rooms(row, departure)
    return columns


def _last_rooms(row: LiveSession, departure: Departure) -> str:
    """A suspended session has left its rooms already; members heard of that once."""
    if row.state == SUSPENDED:
        return ""
    if departure.connection or departure.update.rooms is None:
        return row.rooms
    return rows.of_rooms(departure.update.rooms)
