"""Which sessions are in which room on Django models: an index of the sessions' rows."""

from collections.abc import Iterable, Mapping

from django.db.models import Count, Q

from realtime.models import LiveSession, Membership

from ..records import Attendance
from .rows import CONNECTED, update_rows
from .transaction import Database


class Memberships:
    """Changed within the caller's transaction, which has locked the sessions' rows, so that both
    always agree. Rooms are texts as in the column of the row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live = LiveSession.objects.using(database.alias)
        self._all = Membership.objects.using(database.alias)

    def add(self, sessions: Iterable[tuple[str, str]]) -> None:
        """Add (session, rooms); existing memberships stay."""
        new = [
            Membership(session_id=session, room=room)
            for session, rooms in sessions
            for room in rooms.split()
        ]
        if new:
            self._all.bulk_create(new, ignore_conflicts=True)

    def remove(self, sessions: Iterable[str]) -> None:
        """Remove these sessions from all rooms."""
        if removed := list(sessions):
            self._all.filter(session__in=removed)._raw_delete(self._database.alias)

    def change(self, sessions: Iterable[tuple[str, str, str]]) -> None:
        """Apply (session, rooms before, rooms after)."""
        changed = [change for change in sessions if change[1] != change[2]]
        self.remove(session for session, before, _ in changed if before)
        self.add((session, after) for session, _, after in changed)

    def move(self, sessions: Mapping[str, str]) -> None:
        """Set the rooms of these sessions, also in their rows."""
        if not sessions:
            return
        known = self._live.filter(id__in=list(sessions)).values_list("id", "rooms")
        moved = [(id_, rooms, sessions[id_]) for id_, rooms in known if rooms != sessions[id_]]
        update_rows(self._database.connection, [(id_, {"rooms": r}) for id_, _, r in moved])
        self.change(moved)

    def attendance(self, room: str) -> Attendance:
        here = self._all.filter(room=room, session__state=CONNECTED)
        known = ~Q(session__user="")
        counts = here.aggregate(
            sessions=Count("id"), users=Count("session__user", filter=known, distinct=True)
        )
        return Attendance(**counts)
