"""The store on plain Django models: SQLite by default, PostgreSQL as well, and no others."""

from django.core.exceptions import ImproperlyConfigured

from realtime.common.threads import Threads

from ..log import BOUNDS, LogBounds
from ..ownership import Owner
from ..timeouts import Timeouts
from ..vendors import KEEPS_SESSIONS, vendor_name
from .blocking import DatabaseSessions
from .store import DatabaseStore
from .transaction import Database

__all__ = ["DatabaseSessions", "DatabaseStore", "blocking_store", "loop_store"]


def _database(alias: str) -> Database:
    """Raises ImproperlyConfigured if sessions cannot be kept there, before anything is asked."""
    database = Database(alias)
    vendor = database.connection.vendor
    if vendor not in KEEPS_SESSIONS:
        raise ImproperlyConfigured(
            f"sessions cannot be kept in {vendor_name(vendor)}: set STORE to the URL of a Redis, "
            "such as redis://localhost:6379/0; only the history stays in the database then"
        )
    return database


def blocking_store(
    alias: str, windows: Timeouts, *, bounds: LogBounds = BOUNDS, owner: Owner | None = None
) -> DatabaseSessions:
    """The store for threads, in this one of the project's databases."""
    return DatabaseSessions(_database(alias), windows, bounds, owner=owner)


def loop_store(
    alias: str,
    windows: Timeouts,
    threads: Threads,
    *,
    timeout: float,
    bounds: LogBounds = BOUNDS,
    owner: Owner | None = None,
) -> DatabaseStore:
    """The store for the running event loop; a call takes at most ``timeout`` seconds."""
    database = _database(alias)
    blocking = DatabaseSessions(database, windows, bounds, owner=owner)
    return DatabaseStore(database, blocking, threads, timeout=timeout)
