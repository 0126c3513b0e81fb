"""The store on plain Django models: SQLite by default, PostgreSQL as well."""

from realtime.threads import Threads

from ..log import BOUNDS, Bounds
from ..ownership import Owner
from ..windows import Windows
from .blocking import DatabaseSessions
from .store import DatabaseStore
from .transaction import Database

__all__ = ["DatabaseSessions", "DatabaseStore", "blocking_store", "loop_store"]


def blocking_store(
    alias: str, windows: Windows, *, bounds: Bounds = BOUNDS, owner: Owner | None = None
) -> DatabaseSessions:
    """The store for threads, in this one of the project's databases."""
    return DatabaseSessions(Database(alias), windows, bounds, owner=owner)


def loop_store(
    alias: str,
    windows: Windows,
    threads: Threads,
    *,
    timeout: float,
    bounds: Bounds = BOUNDS,
    owner: Owner | None = None,
) -> DatabaseStore:
    """The store for the running event loop; a call takes at most ``timeout`` seconds."""
    database = Database(alias)
    blocking = DatabaseSessions(database, windows, bounds, owner=owner)
    return DatabaseStore(database, blocking, threads, timeout=timeout)
