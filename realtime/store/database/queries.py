"""Sessions to look at on Django models: one, a user's, or a page of those that match."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.functions import Left

from realtime.models import LiveSession

from .. import cursor as cursors
from ..contract import ID_PREFIX_LEN
from ..records import Order, Page, Query, Session
from . import rows
from .rows import CLOSING, CONNECTED, ONLINE
from .transaction import Database


class Queries:
    """Reads of sessions; none changes anything."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live = LiveSession.objects.using(database.alias)

    def get(self, session: str) -> Session | None:
        """See the contract."""
        with self._database.read():
            row = self._live.filter(id=session).exclude(state=CLOSING).first()
            return rows.to_record(row) if row else None

    def page(self, query: Query, *, limit: int, cursor: str) -> Page:
        """See the contract."""
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
        """See the contract."""
        with self._database.read():
            chosen = self._live.filter(user=user, state__in=ONLINE)
            return rows.to_records(chosen.order_by("-opened_at", "-id"))


def _matching(live: QuerySet[LiveSession], query: Query) -> QuerySet[LiveSession]:
    exact = {"user": query.user, "address": query.address, "worker": query.worker}
    chosen = live.filter(**{name: value for name, value in exact.items() if value})
    chosen = chosen.filter(state__in=ONLINE)
    if query.room:
        chosen = chosen.filter(state=CONNECTED, memberships__room=query.room)
    if query.state:
        chosen = chosen.filter(state=query.state.value)
    if query.prefix:
        # SQLite's LIKE does not tell a from A; where there is an index, LIKE uses it.
        head = Left("id", len(query.prefix))
        chosen = chosen.alias(head=head).filter(id__startswith=query.prefix, head=query.prefix)
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
        value, head = cursors.read(cursor)
        way = "lt" if self.newest_first else "gt"
        beyond = Q(**{f"{self.column}__{way}": value})
        return beyond | Q(**{self.column: value, f"shown__{way}": head})


_ORDERS = {
    Order.STARTED: _Order("opened_at", newest_first=True),
    Order.LAST_BEAT: _Order("last_beat", newest_first=False),
}
