"""Reads of sessions on Django models: one, a user's, or a page of those that match."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from realtime.models import LiveSession

from .. import cursor as cursors
from ..contract import ID_PREFIX_LEN, check_presences
from ..records import Attendance, Order, Page, PresenceAnswer, Query, Session
from . import rows
from .parts import SharedParts
from .rows import CLOSING, CONNECTED, ONLINE


class QueryOperations(SharedParts):
    """Methods of the contract; each is one transaction."""

    def get(self, session: str) -> Session | None:
        with self._database.read():
            row = self._live.filter(id=session).exclude(state=CLOSING).first()
            return rows.to_record(row) if row else None

    def page(self, query: Query, *, limit: int = 100, cursor: str = "") -> Page:
        if limit < 1:
            raise ValueError(f"a limit is at least 1, not {limit}")
        order = _ORDERS[query.order]
        with self._database.read():
            chosen = _matching(self._live, query)
            if cursor:
                chosen = chosen.alias(shown=Left("id", ID_PREFIX_LEN)).filter(order.after(cursor))
            found = list(chosen.order_by(*order.columns)[: limit + 1])
            more = order.cursor(found[limit - 1]) if len(found) > limit else ""
            return Page(rows.to_records(found[:limit]), more)

    def of_user(self, user: str) -> tuple[Session, ...]:
        with self._database.read():
            chosen = self._live.filter(user=user, state__in=ONLINE)
            return rows.to_records(chosen.order_by("-opened_at", "-id"))

    def attendance(self, room: str) -> Attendance:
        with self._database.read():
            return self._memberships.attendance(room)

    def presence(self, rooms: Mapping[str, str]) -> PresenceAnswer:
        check_presences(rooms)
        with self._database.snapshot():
            known = self._registry.filter(id=1).values_list("incarnation", flat=True).first()
            incarnation = known or ""
            return PresenceAnswer(incarnation, self._presences.read(rooms, incarnation))


def _matching(live: QuerySet[LiveSession], query: Query) -> QuerySet[LiveSession]:
    fields = {"user": query.user, "address": query.address, "worker": query.worker}
    chosen = live.filter(**{name: value for name, value in fields.items() if value})
    chosen = chosen.filter(state__in=ONLINE)
    if query.room:
        chosen = chosen.filter(state=CONNECTED, memberships__room=query.room)
    if query.state:
        chosen = chosen.filter(state=query.state.value)
    if query.prefix:
        # SQLite's LIKE ignores case; where there is an index, LIKE uses it.
        exact = Left("id", len(query.prefix))
        chosen = chosen.alias(exact=exact).filter(id__startswith=query.prefix, exact=query.prefix)
    return chosen


@dataclass(frozen=True, slots=True)
class _Order:
    """A sort order with the id as tie-break, and the cursor that goes with it."""

    column: str
    newest_first: bool

    @property
    def columns(self) -> tuple[str, str]:
        sign = "-" if self.newest_first else ""
        return f"{sign}{self.column}", f"{sign}id"

    def cursor(self, row: LiveSession) -> str:
        return cursors.write(getattr(row, self.column), row.id)

    def after(self, cursor: str) -> Q:
        value, prefix = cursors.read(cursor)
        direction = "lt" if self.newest_first else "gt"
        beyond = Q(**{f"{self.column}__{direction}": value})
        return beyond | Q(**{self.column: value, f"shown__{direction}": prefix})


_ORDERS = {
    Order.STARTED: _Order("opened_at", newest_first=True),
    Order.LAST_BEAT: _Order("last_beat", newest_first=False),
}
