"""Flow control of one connection: bounds what is delivered and not yet acknowledged."""

from collections import deque

# The most a connection may have unacknowledged: publications, and their bytes.
WINDOW, WINDOW_BYTES = 256, 65_536


class DeliveryMismatch(Exception):
    """The peer's count of received publications falls, or exceeds what was delivered."""


class Window:
    """At most ``size`` publications of ``size_bytes`` bytes in total may be unacknowledged. A
    single one may be larger than ``size_bytes``: it could never be delivered otherwise."""

    __slots__ = ("_size", "_size_bytes", "_unacknowledged", "received", "unacknowledged_bytes")

    def __init__(self, *, size: int, size_bytes: int) -> None:
        self._size = size
        self._size_bytes = size_bytes
        self._unacknowledged: deque[int] = deque()  # sizes in bytes, oldest first
        self.received = 0
        self.unacknowledged_bytes = 0

    @property
    def delivered(self) -> int:
        """Publications delivered since the start."""
        return self.received + len(self._unacknowledged)

    def admit(self, size_bytes: int) -> bool:
        """Count a publication of this size as delivered and return True; False if the window is
        too full for it."""
        sizes = self._unacknowledged
        if sizes and (
            len(sizes) >= self._size or self.unacknowledged_bytes + size_bytes > self._size_bytes
        ):
            return False
        sizes.append(size_bytes)
        self.unacknowledged_bytes += size_bytes
        return True

    def acknowledge(self, received: int) -> bool:
        """Apply the peer's count of all publications it has received; return whether it rose.
        Raises DeliveryMismatch, without a change, for a count that cannot be right."""
        if not self.received <= received <= self.delivered:
            raise DeliveryMismatch(f"{received}, after {self.received}, of {self.delivered}")
        newly_received = received - self.received
        for _ in range(newly_received):
            self.unacknowledged_bytes -= self._unacknowledged.popleft()
        self.received = received
        return newly_received > 0
