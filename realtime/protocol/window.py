"""Flow control of one connection: what it was handed and has not said it received."""

from collections import deque

# What a connection may have unanswered.
WINDOW, WINDOW_BYTES = 256, 65_536


class DeliveryMismatch(Exception):
    """The peer's count falls, or exceeds what it was handed."""


class Window:
    """At most ``size`` publications and ``size_bytes`` bytes may be unanswered.

    One alone may be larger than ``size_bytes``: else it could never be delivered.
    """

    __slots__ = ("_size", "_size_bytes", "_unanswered", "received", "unanswered_bytes")

    def __init__(self, *, size: int, size_bytes: int) -> None:
        self._size = size
        self._size_bytes = size_bytes
        self._unanswered: deque[int] = deque()  # their sizes, oldest first
        self.received = 0
        self.unanswered_bytes = 0

    @property
    def delivered(self) -> int:
        """How many were handed over."""
        return self.received + len(self._unanswered)

    def admit(self, size_bytes: int) -> bool:
        """Whether another publication of so many bytes may be handed over now; then it counts
        as handed over."""
        unanswered = self._unanswered
        if unanswered and (
            len(unanswered) >= self._size or self.unanswered_bytes + size_bytes > self._size_bytes
        ):
            return False
        unanswered.append(size_bytes)
        self.unanswered_bytes += size_bytes
        return True

    def answer(self, received: int) -> bool:
        """Take the peer's count of what it has received; whether it is news.

        Raises Miscount for a count that cannot be.
        """
        if not self.received <= received <= self.delivered:
            raise DeliveryMismatch(f"{received}, after {self.received}, of {self.delivered}")
        answered = received - self.received
        for _ in range(answered):
            self.unanswered_bytes -= self._unanswered.popleft()
        self.received = received
        return answered > 0
