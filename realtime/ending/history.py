"""The history: exactly one row, and one ``session_closed``, for each session that has ended."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.db import IntegrityError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from msgspec.structs import astuple

from realtime.common.datetimes import to_datetime
from realtime.models import ClosedSession
from realtime.signals import send_closed, session_closed
from realtime.store.database.transaction import Database, translate_database_errors
from realtime.store.records import Session, Totals

CHUNK = 1000  # rows in one query; a query over all would stay open while a client reads slowly
MAX_PRUNED = 500  # rows that one call deletes at most, in some 5 ms

_Row: TypeAlias = tuple[Any, ...]

# The columns of a row and of the export, in the order in which people read them.
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
    """Keeps rows for ``days``. All methods block, so call them in a thread, and raise
    StoreUnavailable if the database does not answer."""

    def __init__(self, database: Database, *, days: float) -> None:
        self._database = database
        self._keep = timedelta(days=days)
        self._rows = ClosedSession.objects.using(database.alias)

    def record(self, sessions: Sequence[Session]) -> list[Session]:
        """Write the rows of claimed sessions. Returns those that are new here; their ``room_left``
        is left to the caller.

        Rows are unique by session, and the transaction that inserts a row sends its
        ``session_closed``: two claimants of one session make one row and one signal.
        """
        # Each once, and in one order, so that two callers do not deadlock.
        ended = {session.id: session for session in sorted(sessions, key=lambda s: s.id)}
        with self._database.write() as now:
            timestamp = _timestamps_for(self._database.connection)
            closed_at = timestamp(now)
            inserted = self._insert([_row(each, closed_at, timestamp) for each in ended.values()])
            new = [session for session in ended.values() if session.id in inserted]
            if session_closed.has_listeners():
                for session in new:
                    send_closed(session, self._database.alias)
        return new

    def _insert(self, rows: Sequence[_Row]) -> set[str]:
        """Insert the rows that are missing. Returns the session ids that this call inserted."""
        if not self._insert_all(rows):  # some exist: another claimant took an expired claim
            rows = [row for row in rows if self._insert_all([row])]
        return {row[0] for row in rows}

    def _insert_all(self, rows: Sequence[_Row]) -> bool:
        """Insert all these rows; if one exists already, insert none and return False."""
        alias, connection = self._database.alias, self._database.connection
        insertion = _insertion(connection)
        try:
            with transaction.atomic(alias), connection.cursor() as cursor:
                if len(rows) == 1:  # psycopg logs it if executemany fails
                    cursor.execute(insertion, rows[0])
                elif rows:
                    cursor.executemany(insertion, rows)
        except IntegrityError:
            return False
        return True

    def prune(self) -> int:
        """Delete rows older than ``days``, oldest first. Returns how many, at most MAX_PRUNED: then
        call it again, so that other writers get their turn in between."""
        with self._database.write() as now:
            old = self._old(now).order_by("closed_at").values_list("pk", flat=True)
            deleted, _ = self._rows.filter(pk__in=list(old[:MAX_PRUNED])).delete()
            return deleted

    def prunable(self) -> int:
        """How many rows are older than ``days``."""
        with self._database.read() as now:
            return self._old(now).count()

    def _old(self, now: int) -> QuerySet[ClosedSession]:
        return self._rows.filter(closed_at__lt=to_datetime(now) - self._keep)


def newest_first(rows: QuerySet[ClosedSession]) -> Iterator[list[ClosedSession]]:
    """Yield rows from the newest on, a query for each CHUNK of them. Raises StoreUnavailable."""
    newest = rows.order_by("-pk")
    chunk = _list(newest[:CHUNK])
    while chunk:
        yield chunk
        chunk = _list(newest.filter(pk__lt=chunk[-1].pk)[:CHUNK])


def _list(rows: QuerySet[ClosedSession]) -> list[ClosedSession]:
    with translate_database_errors(rows.db):
        return list(rows)


def _insertion(connection: BaseDatabaseWrapper) -> str:
    """The INSERT of one row; it takes a fifth of the time that model instances would."""
    quote = connection.ops.quote_name
    names = [quote(column) for column in COLUMNS]
    places = ", ".join(["%s"] * len(names))
    table = quote(ClosedSession._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608  # own names


def _timestamps_for(connection: BaseDatabaseWrapper) -> Callable[[int], Any]:
    """Returns a function from epoch milliseconds to a parameter for a datetime column.

    For databases that store texts in UTC, as SQLite, it skips Django's look-up of the timezone,
    which would take most of the time of a row.
    """
    adapted = connection.ops.adapt_datetimefield_value
    if connection.timezone is UTC and not connection.features.supports_timezones:
        return lambda epoch_ms: adapted(_EPOCH + timedelta(milliseconds=epoch_ms))
    return lambda epoch_ms: adapted(to_datetime(epoch_ms))


_EPOCH = datetime(1970, 1, 1)  # in UTC


def _row(session: Session, closed_at: Any, timestamp: Callable[[int], Any]) -> _Row:
    """The values of COLUMNS; ``timestamp`` is from :func:`_timestamps_for`."""
    return (
        session.id,
        _fit("user", session.peer.user),
        _fit("username", session.peer.username),
        _fit("address", session.peer.address),
        _fit("agent", session.peer.agent),
        timestamp(session.opened_at),
        timestamp(session.last_beat),
        closed_at,
        (session.last_beat - session.opened_at) / 1000,
        session.generation - 1,
        session.end_code,
        _fit("reason", session.end_reason),
        *astuple(session.totals),
    )


_LENGTHS = {field.name: field.max_length for field in ClosedSession._meta.concrete_fields}


def _fit(column: str, text: str) -> str:
    """The part of a text that every database accepts: one bad row would fail its whole batch."""
    return text.replace("\0", "")[: _LENGTHS[column]]
