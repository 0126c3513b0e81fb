"""The ASGI extension ``realtime.frames``: whole frames, written without waiting."""

from typing import Protocol


class Outlet(Protocol):
    """The sending half of a transport."""

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""

    def send(self, data: bytes) -> None:
        """Send, at once where nothing waits before it. Never waits."""


class Line(Protocol):
    """A WebSocket with its outlet."""

    @property
    def outlet(self) -> Outlet:
        """Where its frames go."""

    @property
    def open(self) -> bool:
        """Whether frames may be sent: after the handshake, before a close frame."""


class Frames:
    """What an application finds in ``scope["extensions"]["realtime.frames"]``.

    A frame from a server is not masked, so that the same bytes serve any number of
    connections.
    """

    __slots__ = ("_line",)

    def __init__(self, line: Line) -> None:
        self._line = line

    def write(self, frame: bytes) -> bool:
        """Send one complete frame, after everything that was sent before. On the event loop only.

        False, and nothing sent, before accept and on a connection that closes or is closed.
        """
        line = self._line
        if not line.open:
            return False
        line.outlet.send(frame)
        return True

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""
        return self._line.outlet.unsent
