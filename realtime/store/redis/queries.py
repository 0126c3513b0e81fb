"""Reads of sessions on Redis, as script steps: one, a user's, or a page of those that match."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from realtime.protocol.presence_messages import MAX_LISTED

from .. import cursor as cursors
from ..contract import ID_PREFIX_LEN, check_presences
from ..records import (
    Attendance,
    Order,
    Page,
    PresenceAnswer,
    Query,
    RoomPresence,
    Session,
    SessionState,
)
from . import rows
from .ownership import OwnedOperations
from .rows import Place, SessionRow, answers
from .scripts import ScriptSteps

# A script's numbers are doubles; a forged cursor may hold any integer.
_MAX_SCORE = 2**53

_ORDERS = {Order.STARTED: "opened_at", Order.LAST_BEAT: "last_beat"}


class _PageStep(msgspec.Struct):
    """The answer of ``page.lua``."""

    sessions: list[SessionRow]
    place: Place | None = None


class _PresenceRow(msgspec.Struct, array_like=True):
    """A room in the answer of ``presence.lua``."""

    room: str
    version: str
    sessions: int
    users: int
    listed: dict[str, str] | None = None

    def to_record(self) -> RoomPresence:
        """As a record."""
        listed = None if self.users > MAX_LISTED else dict(sorted((self.listed or {}).items()))
        return RoomPresence(self.version, self.sessions, self.users, listed)


class _PresenceAnswer(msgspec.Struct):
    """The answer of ``presence.lua``."""

    incarnation: str
    examined: int
    rooms: list[_PresenceRow]


_page_step = answers(_PageStep)
_counts = answers(tuple[int, int])
_presence = answers(_PresenceAnswer)


@dataclass(frozen=True, slots=True)
class _Search:
    """The filters, the order, and the place to continue from."""

    by: dict[str, str]
    order: str
    place: Place | None = None


class QueryOperations(OwnedOperations):
    """Methods of the contract; each is one call unless its docstring says otherwise."""

    def get(self, session: str) -> ScriptSteps[Session | None]:
        return rows.optional_session((yield self._calls("get", session=session)))

    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> ScriptSteps[Page]:
        """A call for each BATCH of entries examined; one where few can match."""
        if limit < 1:
            raise ValueError(f"a limit is at least 1, not {limit}")
        order = _ORDERS[query.order]
        search = _Search(_fields(query), order, _place(cursor) if cursor else None)
        if query.state is SessionState.CLOSING:
            return Page(())
        found = yield from self._find(search, limit + 1)
        if len(found) <= limit:
            return Page(rows.to_records(found))
        last = found[limit - 1]
        return Page(rows.to_records(found[:limit]), cursors.write(getattr(last, order), last.id))

    def of_user(self, user: str) -> ScriptSteps[tuple[Session, ...]]:
        """A call for each BATCH of them."""
        found = yield from self._find(_Search({"user": user}, _ORDERS[Order.STARTED]), None)
        return rows.to_records(found)

    def attendance(self, room: str) -> ScriptSteps[Attendance]:
        return Attendance(*_counts.decode((yield self._calls("attendance", room=room))))

    def presence(self, rooms: Mapping[str, str]) -> ScriptSteps[PresenceAnswer]:
        """One call, and another after each BATCH of users listed."""
        check_presences(rooms)
        asked = [[room, version] for room, version in rooms.items()]
        found: dict[str, RoomPresence] = {}
        while True:
            answer = _presence.decode((yield self._calls("presence", rooms=asked, most=MAX_LISTED)))
            found |= {row.room: row.to_record() for row in answer.rooms}
            asked = asked[answer.examined :]
            if not asked:
                return PresenceAnswer(answer.incarnation, found)

    def _find(self, search: _Search, wanted: int | None) -> ScriptSteps[list[SessionRow]]:
        """The first ``wanted`` sessions that match, or all. One that beats meanwhile may be found
        twice; it is returned once."""
        found: dict[str, SessionRow] = {}
        place = search.place
        while True:
            most = self._calls.batch if wanted is None else wanted - len(found)
            given = {"by": search.by, "order": search.order, "place": place}
            answer = yield self._calls("page", **given, wanted=min(most, self._calls.batch))
            step = _page_step.decode(answer)
            for row in step.sessions:
                found.setdefault(row.id, row)
            place = step.place
            if place is None or (wanted is not None and len(found) >= wanted):
                return list(found.values())


def _fields(query: Query) -> dict[str, str]:
    exact = {
        "user": query.user,
        "address": query.address,
        "worker": query.worker,
        "prefix": query.prefix,
        "room": query.room,
        "state": query.state.value if query.state else "",
    }
    return {name: value for name, value in exact.items() if value}


def _place(cursor: str) -> Place:
    score, prefix = cursors.read(cursor)
    return Place(max(-_MAX_SCORE, min(score, _MAX_SCORE)), prefix, ID_PREFIX_LEN)
