"""Looking at sessions: one, a user's, or a page of those that match."""

from dataclasses import dataclass

import msgspec

from .. import cursor as cursors
from ..contract import ID_PREFIX_LEN
from ..records import Attendance, Order, Page, Query, Session, SessionState
from . import rows
from .rows import LoginPlace, SessionRow, answers
from .scripts import Operation, ScriptCalls

# A script's numbers are doubles; a cursor made by hand may be anything.
_FARTHEST = 2**53

_ORDERS = {Order.STARTED: "opened_at", Order.LAST_BEAT: "last_beat"}


class _Step(msgspec.Struct):
    """The answer of ``page.lua``."""

    sessions: list[SessionRow]
    place: LoginPlace | None = None


_step = answers(_Step)
_counts = answers(tuple[int, int])


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, in which order, and from where on."""

    by: dict[str, str]
    order: str
    place: LoginPlace | None = None


class QueryOperations:
    """See the contract for what each method does."""

    def __init__(self, calls: ScriptCalls) -> None:
        self._calls = calls

    def get(self, session: str) -> Operation[Session | None]:
        """One call."""
        return rows.optional_session((yield self._calls("get", session=session)))

    def page(self, query: Query, *, limit: int, cursor: str) -> Operation[Page]:
        """A call for each BATCH of entries that are looked at; one, where few can match."""
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

    def of_user(self, user: str) -> Operation[tuple[Session, ...]]:
        """A call for each BATCH of them."""
        found = yield from self._find(_Search({"user": user}, _ORDERS[Order.STARTED]), None)
        return rows.to_records(found)

    def attendance(self, room: str) -> Operation[Attendance]:
        """One call."""
        return Attendance(*_counts.decode((yield self._calls("attendance", room=room))))

    def _find(self, search: _Search, wanted: int | None) -> Operation[list[SessionRow]]:
        """The first so many that match, or all. Who beats meanwhile may come by twice."""
        found: dict[str, SessionRow] = {}
        place = search.place
        while True:
            most = self._calls.batch if wanted is None else wanted - len(found)
            given = {"by": search.by, "order": search.order, "place": place}
            answer = yield self._calls("page", **given, wanted=min(most, self._calls.batch))
            step = _step.decode(answer)
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


def _place(text: str) -> LoginPlace:
    score, head = cursors.read(text)
    return LoginPlace(max(-_FARTHEST, min(score, _FARTHEST)), head, ID_PREFIX_LEN)
