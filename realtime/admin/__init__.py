"""The admin's pages: live sessions, read from the store, and the history of closed ones."""

from .history import ClosedSessionAdmin
from .sessions import LiveSessionAdmin

__all__ = ["ClosedSessionAdmin", "LiveSessionAdmin"]
