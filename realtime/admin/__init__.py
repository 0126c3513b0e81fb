"""The admin's pages: live sessions, read from the store, and the history of closed ones."""

from .closed import ClosedSessionAdmin
from .live import LiveSessionAdmin

__all__ = ["ClosedSessionAdmin", "LiveSessionAdmin"]
