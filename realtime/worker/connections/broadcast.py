"""Sends one publication to many connections at once."""

from realtime.protocol.frames import EncodedMessage

from .connection import Connection, deliver_to_all


class Broadcast:
    """Collects the connections that receive the current publication, with ``add(connection)``. Call
    ``send()`` before the next await, or later frames could be written first."""

    __slots__ = ("_recipients", "add")

    def __init__(self) -> None:
        self._recipients: list[Connection] = []
        self.add = self._recipients.append

    def send(self, message: EncodedMessage) -> None:
        """Send the publication to all of them and forget them."""
        recipients = self._recipients.copy()
        self._recipients.clear()
        deliver_to_all(recipients, message)
