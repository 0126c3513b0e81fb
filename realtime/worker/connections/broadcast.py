"""One publication for many connections."""

from realtime.protocol.frames import Encoded

from .connection import Connection, deliver_to_all


class Broadcast:
    """Whom the publication that is being handed out is for. Whoever adds them has it sent before
    the next pause, so that nothing overtakes it."""

    __slots__ = ("_addressees", "add")

    def __init__(self) -> None:
        self._addressees: list[Connection] = []
        self.add = self._addressees.append

    def send(self, message: Encoded) -> None:
        """Send it to all of them, in one go."""
        addressees = self._addressees.copy()
        self._addressees.clear()
        deliver_to_all(addressees, message)
