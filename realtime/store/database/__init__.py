"""The store on Django models: SQLite by default, or PostgreSQL."""

from django.core.exceptions import ImproperlyConfigured

from realtime.common.threads import Threads

from ..params import StoreParams
from ..vendors import KEEPS_SESSIONS, vendor_name
from .blocking import BlockingDatabaseStore
from .store import DatabaseStore
from .transaction import Database

__all__ = ["BlockingDatabaseStore", "DatabaseStore", "blocking_store", "loop_store"]


def _database(alias: str) -> Database:
    """Raises ImproperlyConfigured, before any query, if sessions cannot be kept there."""
    database = Database(alias)
    vendor = database.connection.vendor
    if vendor not in KEEPS_SESSIONS:
        raise ImproperlyConfigured(
            f"sessions cannot be kept in {vendor_name(vendor)}: set STORE to the URL of a Redis, "
            "such as redis://localhost:6379/0; only the history stays in the database then"
        )
    return database


def blocking_store(alias: str, params: StoreParams) -> BlockingDatabaseStore:
    """The store for threads, in this one of the project's databases."""
    return BlockingDatabaseStore(
        _database(alias), params.timeouts, params.bounds, owner=params.owner
    )


def loop_store(alias: str, params: StoreParams, threads: Threads) -> DatabaseStore:
    """The store for the running event loop, in ``threads``."""
    return DatabaseStore(blocking_store(alias, params), threads, timeout=params.timeout)
