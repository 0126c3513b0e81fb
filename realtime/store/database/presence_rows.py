"""The presence of sessions in rooms, on Django models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from realtime.models import PresentSession
from realtime.protocol.presence_messages import MAX_LISTED

from ..records import RoomPresence
from .rows import ONLINE
from .transaction import Database

_KNOWN_USER = ~Q(session__user="")


class PresenceRows:
    """Changed within the caller's transaction, which has locked the sessions' rows. Presence stays
    while a session is suspended. Descriptions are by room."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = PresentSession.objects.using(database.alias)

    def add(self, sessions: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """Add (session, descriptions) that are new, or repeated."""
        rows = [
            PresentSession(session_id=session, room=room, data=data)
            for session, descriptions in sessions
            for room, data in descriptions.items()
        ]
        if rows:
            self._all.bulk_create(rows, ignore_conflicts=True)

    def remove(self, sessions: Iterable[str]) -> None:
        """Remove these sessions from all rooms."""
        if removed := list(sessions):
            self._all.filter(session__in=removed)._raw_delete(self._database.alias)

    def replace(self, sessions: Mapping[str, Mapping[str, str] | None]) -> None:
        """Set where these sessions are present; None keeps it."""
        wanted = {id_: dict(given) for id_, given in sessions.items() if given is not None}
        if not wanted:
            return
        known: dict[str, dict[str, str]] = {}
        rows = self._all.filter(session__in=list(wanted)).values_list("session_id", "room", "data")
        for session, room, data in rows:
            known.setdefault(session, {})[room] = data
        changed = [id_ for id_, given in wanted.items() if known.get(id_, {}) != given]
        self.remove(id_ for id_ in changed if id_ in known)
        self.add((id_, wanted[id_]) for id_ in changed)

    def read(self, rooms: Mapping[str, str], incarnation: str) -> dict[str, RoomPresence]:
        """The presence of rooms whose version differs from the one given, see the contract."""
        here = self._all.filter(session__state__in=ONLINE)
        counts = {row["room"]: row for row in self._counts(here.filter(room__in=list(rooms)))}
        found = {}
        for room, known in rooms.items():
            row = counts.get(room, {"sessions": 0, "users": 0, "serial": 0})
            # Ids are never used twice, so a change of the rows changes their sum or their number.
            version = "{}:{sessions}:{users}:{serial}".format(incarnation, **row)
            if version != known:
                found[room] = (version, row["sessions"], row["users"])
        short = [room for room, (_, _, users) in found.items() if users <= MAX_LISTED]
        listed = self._list(here, short)
        return {room: RoomPresence(*row, listed.get(room)) for room, row in found.items()}

    def _counts(self, here: QuerySet[PresentSession]) -> Iterable[Any]:
        """A dict for each room: its name, and the numbers of its version."""
        users = Count("session__user", filter=_KNOWN_USER, distinct=True)
        by_room = here.order_by().values("room")
        return by_room.annotate(sessions=Count("id"), users=users, serial=Sum("id"))

    def _list(
        self, here: QuerySet[PresentSession], rooms: Sequence[str]
    ) -> dict[str, dict[str, str]]:
        listed: dict[str, dict[str, str]] = {room: {} for room in rooms}
        if rooms:
            columns = ("session_id", "room", "session__user", "data")
            rows = here.filter(_KNOWN_USER, room__in=rooms).values_list(*columns)
            # Sorted here: databases sort texts by their own rules.
            for _, room, user, data in sorted(rows):
                listed[room][user] = data
        return {room: dict(sorted(users.items())) for room, users in listed.items()}
