"""The store on plain Django models: SQLite by default, PostgreSQL as well."""

from .store import DatabaseStore

__all__ = ["DatabaseStore"]
