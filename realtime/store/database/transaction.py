"""A database as a store sees it: its clock, and transactions that fail in one way."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from realtime.common.transactions import is_manual

from ..contract import StoreUnavailable

# The database's own clock in epoch milliseconds, moving also within a transaction.
CLOCKS = {
    "sqlite": "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
    "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    "mysql": "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
}

# Held to the end of the transaction. SQLite has a lock like it anyway.
ADVISORY_LOCKS = {
    "sqlite": "SELECT 1",
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('realtime: the gate'))",
}

# Names that are held like a gate, where rows cannot be locked as they are not there yet: some by
# one transaction alone; or one alone, and another beside all who do not want that one alone.
HOLD_ALONE = "SELECT pg_advisory_xact_lock(hashtext(name)) FROM unnest(%s::text[]) AS name"
HOLD_TOGETHER = (
    "SELECT pg_advisory_xact_lock_shared(hashtext(name)) FROM unnest(%s::text[]) AS name"
)
HOLD_BESIDE = (
    "SELECT pg_advisory_xact_lock(hashtext(%s)), pg_advisory_xact_lock_shared(hashtext(%s))"
)

DEADLOCK_DETECTED, INSUFFICIENT_PRIVILEGE = "40P01", "42501"  # PostgreSQL's
UNKNOWN_COLUMN = 1054  # MySQL's, which counts it among the operational errors
IN_USE = ("SQLITE_BUSY", "SQLITE_LOCKED")


class Database:
    """One of the project's databases. ``clock_offset`` (seconds) is 0 but in tests."""

    def __init__(self, alias: str, *, clock_offset: float = 0.0) -> None:
        self.alias = alias
        self.clock_offset = clock_offset
        self.before_use: Callable[[], None] | None = None  # called until it raises nothing

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """This thread's connection."""
        return connections[self.alias]

    @property
    def is_shared(self) -> bool:
        """Whether transactions run side by side; SQLite has one writer at a time."""
        return self.connection.vendor != "sqlite"

    def now(self) -> int:
        """The database's time in epoch milliseconds."""
        return int(self._ask(CLOCKS) + self.clock_offset * 1000)

    @contextmanager
    def write(self, *, gate: bool = False) -> Iterator[int]:
        """A transaction that takes its lock at the start; gives the time.

        One with ``gate`` waits for all others that have it, so that nobody adds to what it
        counts. Inside an open transaction it is a part of
        that. Raises StoreUnavailable for whatever the database has to say.
        """
        with translate_errors(), _immediate(self.connection), transaction.atomic(self.alias):
            self._begin()
            if gate:
                self._ask(ADVISORY_LOCKS)
            yield self.now()

    def hold_alone(self, names: Sequence[str]) -> None:
        """Wait for all transactions that hold one of these names, and keep the next ones out
        until this one has ended."""
        self._hold(HOLD_ALONE, [sorted(names)])

    def hold_together(self, names: Iterable[str]) -> None:
        """Hold these beside the transactions that do the same."""
        self._hold(HOLD_TOGETHER, [sorted(names)])

    def hold_beside(self, name: str, *, beside: str) -> None:
        """Hold one name alone, and another beside the transactions that do the same."""
        self._hold(HOLD_BESIDE, [name, beside])

    def _hold(self, sql: str, names: Sequence[Any]) -> None:
        if self.connection.vendor != "postgresql":  # SQLite has one writer at a time
            return
        with self.connection.cursor() as cursor:
            cursor.execute(sql, names)

    def _ask(self, dialects: Mapping[str, str]) -> Any:
        sql = dialects.get(self.connection.vendor)
        if sql is None:
            known = ", ".join(dialects)
            raise ImproperlyConfigured(f"expected a database that is one of {known}")
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    @contextmanager
    def read(self) -> Iterator[int]:
        """Some queries without a transaction of their own; gives the time."""
        with translate_errors():
            self._begin()
            yield self.now()

    def _begin(self) -> None:
        if look := self.before_use:
            look()
            self.before_use = None


class Deadlock(StoreUnavailable):
    """Two transactions waited for each other and this call was given up; nothing of it happened."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raises StoreUnavailable if a database fails, and as they are the errors of what it was
    asked for: a table that is not there, a value that does not fit, a row that is there already.

    A connection that failed may be broken, so the next call makes a new one, unless the
    application has a transaction open there.
    """
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block and not is_manual(connection):
                connection.close()
        if not is_outage(error):
            raise
        deadlocked = getattr(error.__cause__, "sqlstate", "") == DEADLOCK_DETECTED
        raise (Deadlock if deadlocked else StoreUnavailable)(str(error)) from error


def is_outage(error: Exception) -> bool:
    """Whether Django's error says that the database fails, not what it was asked for."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", "") == INSUFFICIENT_PRIVILEGE:
        return True  # a database that has been set up otherwise meanwhile
    # SQLite has one word for all that is wrong with SQL, and it is an operational error.
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR" or UNKNOWN_COLUMN in error.args:
        return False
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        return True
    return type(error) is DatabaseError and cause is not None  # as of SQLite's damaged file


@contextmanager
def _immediate(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On SQLite, begin with the write lock: a transaction that reads first and then
    wants to write is refused without waiting if another has written meanwhile."""
    if connection.vendor != "sqlite" or connection.in_atomic_block or is_manual(connection):
        yield
        return
    _use_wal(connection)
    before = connection.transaction_mode  # type: ignore[attr-defined]
    connection.transaction_mode = "IMMEDIATE"  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.transaction_mode = before  # type: ignore[attr-defined]


_in_wal: set[str] = set()


def _use_wal(connection: BaseDatabaseWrapper) -> None:
    """Let readers go on while one writes. A property of the file, so once is enough.

    It is changed only while nobody else uses the file, and for that SQLite does not wait:
    where it is in use, this transaction goes without, and the next one tries again.
    """
    connection.ensure_connection()
    name = str(connection.settings_dict["NAME"])
    if name in _in_wal:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlite_errorname", "") not in IN_USE:
            raise
    else:
        _in_wal.add(name)
