"""The history: one row for each session that has ended, and its signal, exactly once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.db import IntegrityError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from msgspec.structs import astuple

from realtime.common.moments import moment
from realtime.models import ClosedSession
from realtime.signals import announce_closed, announce_left, session_closed
from realtime.store.database.transaction import Database, translate_errors
from realtime.store.records import Session, Totals

CHUNK = 1000  # rows for each query, so that none stays open while a client reads slowly
PRUNED = 500  # rows deleted at most by one call, which takes some 5 ms

_Row: TypeAlias = tuple[Any, ...]

# Of a row, in the order in which people read them: the export has the same.
COLUMNS = (
    "session",
    "user",
    "username",
    "address",
    "agent",
    "opened_at",
    "last_seen",
    "closed_at",
    "duration",
    "resumes",
    "code",
    "reason",
    *Totals.__struct_fields__,
)


class History:
    """Blocking; run it in a thread. ``days`` is how long rows stay.

    Every method raises StoreUnavailable if the database does not answer.
    """

    def __init__(self, database: Database, *, days: float) -> None:
        self._database = database
        self._keep = timedelta(days=days)
        self._rows = ClosedSession.objects.using(database.alias)

    def record(
        self,
        sessions: Sequence[Session],
        *,
        left: Callable[[Iterable[Session]], None] = announce_left,
    ) -> int:
        """Write the rows of claimed sessions and send their signals; how many were new.

        The row is unique by session, and the signal goes out in the transaction that
        inserts it: two claimants of one session make one row and one signal. Once it is
        committed, ``left`` is told of those, to send ``room_left`` for the rooms that they
        were still in.
        """
        # Once each, and in one order, so that two callers do not wait for each other.
        ended = {session.id: session for session in sorted(sessions, key=lambda s: s.id)}
        with self._database.write() as now:
            stamp = _stamping(self._database.connection)
            closed_at = stamp(now)
            inserted = self._insert([_row(each, closed_at, stamp) for each in ended.values()])
            if session_closed.has_listeners():
                for session in ended.values():
                    if session.id in inserted:
                        announce_closed(session, self._database.alias)
        left(session for session in ended.values() if session.id in inserted)
        return len(inserted)

    def _insert(self, rows: Sequence[_Row]) -> set[str]:
        """Insert what is not there yet; the session ids inserted by this very call."""
        if not self._insert_all(rows):  # some are there: a claim had expired and was taken again
            rows = [row for row in rows if self._insert_all([row])]
        return {row[0] for row in rows}

    def _insert_all(self, rows: Sequence[_Row]) -> bool:
        """Insert these rows; or none of them and False, if one is there already."""
        alias, connection = self._database.alias, self._database.connection
        insertion = _insertion(connection)
        try:
            with transaction.atomic(alias), connection.cursor() as cursor:
                if len(rows) == 1:  # of more than one psycopg logs that it failed
                    cursor.execute(insertion, rows[0])
                elif rows:
                    cursor.executemany(insertion, rows)
        except IntegrityError:
            return False
        return True

    def prune(self) -> int:
        """Delete rows that are older than ``days``, PRUNED at most, oldest first; how many. Call it
        again while there are as many: others write in between."""
        with self._database.write() as now:
            old = self._old(now).order_by("closed_at").values_list("pk", flat=True)
            deleted, _ = self._rows.filter(pk__in=list(old[:PRUNED])).delete()
            return deleted

    def prunable(self) -> int:
        """How many rows :meth:`prune` would delete."""
        with self._database.read() as now:
            return self._old(now).count()

    def _old(self, now: int) -> QuerySet[ClosedSession]:
        return self._rows.filter(closed_at__lt=moment(now) - self._keep)


def newest_first(rows: "QuerySet[ClosedSession]") -> Iterator[list[ClosedSession]]:
    """Rows of the history in chunks, from the newest on: each is a query of its own, so that none
    is held, nor stays open while they are written down slowly. Raises StoreUnavailable."""
    left = rows.order_by("-pk")
    chunk = _list(left[:CHUNK])
    while chunk:
        yield chunk
        chunk = _list(left.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def _list(rows: "QuerySet[ClosedSession]") -> list[ClosedSession]:
    with translate_errors():
        return list(rows)


def _insertion(connection: BaseDatabaseWrapper) -> str:
    """One statement, run for each row: that takes a fifth of what model instances would."""
    quote = connection.ops.quote_name
    names = [quote(column) for column in COLUMNS]
    places = ", ".join(["%s"] * len(names))
    table = quote(ClosedSession._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608  # own names


def _stamping(connection: BaseDatabaseWrapper) -> Callable[[int], Any]:
    """What makes of the store's time what this database wants.

    Where that is a text in UTC, as in SQLite, Django would look for its zone each time: that
    is most of what a row costs.
    """
    adapted = connection.ops.adapt_datetimefield_value
    if connection.timezone is UTC and not connection.features.supports_timezones:
        return lambda epoch_ms: adapted(_EPOCH + timedelta(milliseconds=epoch_ms))
    return lambda epoch_ms: adapted(moment(epoch_ms))


_EPOCH = datetime(1970, 1, 1)  # in UTC


def _row(session: Session, closed_at: Any, stamp: Callable[[int], Any]) -> _Row:
    """Its COLUMNS; ``stamp`` makes of a time what its database wants."""
    return (
        session.id,
        _fit("user", session.peer.user),
        _fit("username", session.peer.username),
        _fit("address", session.peer.address),
        _fit("agent", session.peer.agent),
        stamp(session.opened_at),
        stamp(session.last_beat),
        closed_at,
        (session.last_beat - session.opened_at) / 1000,
        session.generation - 1,
        session.end_code,
        _fit("reason", session.end_reason),
        *astuple(session.totals),
    )


_LENGTHS = {field.name: field.max_length for field in ClosedSession._meta.concrete_fields}


def _fit(column: str, text: str) -> str:
    """As much of a text as every database takes. Redis takes any, and a row that cannot be
    written would hold up all that are written with it, again and again."""
    return text.replace("\0", "")[: _LENGTHS[column]]
