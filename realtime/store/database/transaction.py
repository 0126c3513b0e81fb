"""A database as a store uses it: its clock, and transactions that raise StoreUnavailable."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from realtime.common.transactions import is_manual

from ..contract import StoreUnavailable, TablesMissing

# The database's own clock in epoch milliseconds, moving also within a transaction.
CLOCKS = {
    "sqlite": "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
    "postgresql": "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    "mysql": "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)",
}

# Held to the end of the transaction. SQLite has one writer at a time anyway.
EXCLUSIVE_LOCKS = {
    "sqlite": "SELECT 1",
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('realtime: the gate'))",
}

# Advisory locks on names, where there are no rows to lock yet: exclusive, shared, or exclusive on
# the first name and shared on the second.
HOLD_ALONE = "SELECT pg_advisory_xact_lock(hashtext(name)) FROM unnest(%s::text[]) AS name"
HOLD_TOGETHER = (
    "SELECT pg_advisory_xact_lock_shared(hashtext(name)) FROM unnest(%s::text[]) AS name"
)
HOLD_BESIDE = (
    "SELECT pg_advisory_xact_lock(hashtext(%s)), pg_advisory_xact_lock_shared(hashtext(%s))"
)

ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

DEADLOCK_DETECTED, INSUFFICIENT_PRIVILEGE = "40P01", "42501"  # PostgreSQL's
UNKNOWN_COLUMN = 1054  # MySQL's, which counts it among the operational errors
# How databases say that a table or a column does not exist.
NO_TABLE_STATES = ("42P01", "42703")  # PostgreSQL's
NO_TABLE_NUMBERS = (1146, UNKNOWN_COLUMN)
NO_TABLE_WORDS = ("no such table", "no such column", "has no column named")  # SQLite's
IN_USE = ("SQLITE_BUSY", "SQLITE_LOCKED")


class Database:
    """One of the project's databases. Only tests set ``clock_offset`` (seconds)."""

    def __init__(self, alias: str, *, clock_offset: float = 0.0) -> None:
        self.alias = alias
        self.clock_offset = clock_offset
        self.before_use: Callable[[], None] | None = (
            None  # called before each use until it succeeds
        )

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
        return int(self._query(CLOCKS) + self.clock_offset * 1000)

    @contextmanager
    def write(self, *, exclusive: bool = False) -> Iterator[int]:
        """A transaction that takes its lock at the start; yields the time.

        An ``exclusive`` one waits for all other exclusive ones, so that none adds to what it
        counts. Within an open transaction it is a part of that. Raises StoreUnavailable if the
        database fails, and its other errors unchanged.
        """
        with (
            translate_database_errors(self.alias),
            _immediate(self.connection),
            transaction.atomic(self.alias),
        ):
            self._begin()
            if exclusive:
                self._query(EXCLUSIVE_LOCKS)
            yield self.now()

    def hold_alone(self, names: Sequence[str]) -> None:
        """Wait for all transactions that hold one of these names; others wait until this one has
        ended."""
        self._hold(HOLD_ALONE, [sorted(names)])

    def hold_together(self, names: Iterable[str]) -> None:
        """Hold these names together with other transactions that do the same."""
        self._hold(HOLD_TOGETHER, [sorted(names)])

    def hold_beside(self, name: str, *, beside: str) -> None:
        """Hold ``name`` alone, and ``beside`` together with others."""
        self._hold(HOLD_BESIDE, [name, beside])

    def _hold(self, sql: str, names: Sequence[Any]) -> None:
        if self.connection.vendor != "postgresql":  # SQLite has one writer at a time
            return
        with self.connection.cursor() as cursor:
            cursor.execute(sql, names)

    def _query(self, dialects: Mapping[str, str]) -> Any:
        sql = dialects.get(self.connection.vendor)
        if sql is None:
            known = ", ".join(dialects)
            raise ImproperlyConfigured(f"expected a database that is one of {known}")
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    @contextmanager
    def read(self) -> Iterator[int]:
        """Some queries without a transaction of their own; yields the time."""
        with translate_database_errors(self.alias):
            self._begin()
            yield self.now()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Some queries that see one state of the database; within an open transaction as many as
        that one."""
        with self.read():
            connection = self.connection
            if connection.in_atomic_block or is_manual(connection):
                yield
                return
            with _transaction_mode(connection, "DEFERRED"), transaction.atomic(self.alias):
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute(ONE_SNAPSHOT)
                yield

    def _begin(self) -> None:
        if check := self.before_use:
            check()
            self.before_use = None


class Deadlock(StoreUnavailable):
    """The database aborted this call because of a deadlock; it had no effect."""


@contextmanager
def translate_database_errors(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Raises StoreUnavailable if a database fails, TablesMissing if it lacks a table or a column,
    and errors of the query unchanged: a value that does not fit, a row that exists already.
    ``alias`` is the database that the text of TablesMissing names.

    Closes the connections, which may be broken, so that the next call makes new ones; not where
    the application has a transaction open.
    """
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block and not is_manual(connection):
                connection.close()
        if is_table_missing(error):
            raise TablesMissing(_how_to_migrate(error, alias)) from error
        if not is_outage(error):
            raise
        deadlocked = getattr(error.__cause__, "sqlstate", "") == DEADLOCK_DETECTED
        raise (Deadlock if deadlocked else StoreUnavailable)(str(error)) from error


def is_outage(error: Exception) -> bool:
    """Whether Django's error means that the database fails, not that the query is wrong."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", "") == INSUFFICIENT_PRIVILEGE:
        return True  # the database's permissions have changed meanwhile
    # SQLite has one code for all errors in SQL, and it is an operational error.
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_ERROR" or UNKNOWN_COLUMN in error.args:
        return False
    if isinstance(error, OperationalError | InterfaceError | InternalError):
        return True
    return type(error) is DatabaseError and cause is not None  # as of SQLite's damaged file


def is_table_missing(error: Exception) -> bool:
    """Whether Django's error means that a table or a column does not exist."""
    if getattr(error.__cause__, "sqlstate", "") in NO_TABLE_STATES:
        return True
    if getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_ERROR":
        return any(words in str(error) for words in NO_TABLE_WORDS)
    return bool(error.args) and error.args[0] in NO_TABLE_NUMBERS


def _how_to_migrate(error: Exception, alias: str) -> str:
    where = "" if alias == DEFAULT_DB_ALIAS else f" --database={alias}"
    cause = str(error).partition("\n")[0]  # PostgreSQL's next lines quote the query
    return (
        f"the database {alias!r} lacks a table or a column ({cause}): "
        f"run `python manage.py migrate{where}`"
    )


@contextmanager
def _immediate(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On SQLite, begin with the write lock: SQLite fails a transaction that reads first and then
    writes, without waiting, if another one has written meanwhile."""
    if connection.vendor != "sqlite" or connection.in_atomic_block or is_manual(connection):
        yield
        return
    _use_wal(connection)
    with _transaction_mode(connection, "IMMEDIATE"):
        yield


@contextmanager
def _transaction_mode(connection: BaseDatabaseWrapper, mode: str) -> Iterator[None]:
    """How transactions begin on SQLite; no effect on others."""
    if connection.vendor != "sqlite":
        yield
        return
    before = connection.transaction_mode  # type: ignore[attr-defined]
    connection.transaction_mode = mode  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.transaction_mode = before  # type: ignore[attr-defined]


_in_wal: set[str] = set()


def _use_wal(connection: BaseDatabaseWrapper) -> None:
    """Let readers continue while one transaction writes. A property of the file: once is enough.

    SQLite changes it only while no other connection uses the file, and does not wait for that: if
    the file is in use, this transaction continues without, and the next one tries again.
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
