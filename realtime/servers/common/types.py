"""Types that the parts of a server share, so that none imports another for a type."""

from typing import Protocol

from .timer_wheel import Timed


class ServedConnection(Timed, Protocol):
    """One connection, seen through the protocol that has it now: HTTP or WebSocket."""

    @property
    def arriving(self) -> bool:
        """Whether its first request or its handshake is under way."""

    def check_deadlines(self, now: float) -> None:
        """Act on deadlines that have passed. ``now``: monotonic seconds."""

    def refuse(self) -> None:
        """End what has not begun: an idle connection, half a request, a pending handshake."""

    def finish(self) -> None:
        """Refuse, and close what the application has not closed."""

    def abort(self) -> None:
        """Break the connection now, even with bytes unsent."""
