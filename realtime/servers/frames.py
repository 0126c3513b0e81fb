"""The ASGI extension ``realtime.frames``: whole frames, written without waiting."""

import os
from typing import Protocol

NOWHERE = -1


class Outlet(Protocol):
    """The sending half of a transport."""

    @property
    def full(self) -> bool:
        """Whether something waits before whatever is sent next."""

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""

    def fileno(self) -> int:
        """The socket's descriptor; NOWHERE if what is sent has to be encrypted first."""

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
    connections. Its server calls ``settle`` whenever the line opens or ends and whenever the
    outlet fills or empties.
    """

    __slots__ = ("_descriptor", "_line", "_outlet")

    def __init__(self, line: Line) -> None:
        self._line = line
        self._outlet = line.outlet
        self._descriptor = NOWHERE  # unless whatever is sent can go straight to the kernel

    def settle(self) -> None:
        """Find out whether what is sent can go straight to the kernel."""
        straight = self._line.open and not self._outlet.full
        self._descriptor = self._outlet.fileno() if straight else NOWHERE

    def offer(self, frame: bytes) -> bool:
        """Send one complete frame if the kernel takes it now. On the event loop only.

        False, and nothing sent, where something waits before it or ``write`` refuses.

        A room of a thousand is as many of these, each with 6.5 µs of the kernel's. To ask the
        protocol and go through its transport took another 2 (uvicorn) to 5 µs (daphne), half
        of it for memory that is in no cache.
        """
        if self._descriptor == NOWHERE:
            return False
        try:
            taken = os.write(self._descriptor, frame)
        except OSError:  # not now; or never again, which the transport finds out when it tries
            return False
        if taken < len(frame):
            self._outlet.send(frame[taken:])
        return True

    def write(self, frame: bytes) -> bool:
        """Send one complete frame, after everything that was sent before. On the event loop only.

        False, and nothing sent, before accept and on a connection that closes or is closed.
        """
        if not self._line.open:
            return False
        self._outlet.send(frame)
        return True

    @property
    def unsent(self) -> int:
        """Bytes accepted and not yet taken by the kernel."""
        return self._outlet.unsent
