"""How much of a connection is read at a time."""

MOMENT = 0.001  # seconds that others wait for what has been read of one
LEAST = 256  # bytes


class AdaptiveReadSize:
    """Less where it takes long to serve what has been read, so that others have their turn.

    A body in chunks of one byte costs h11 and Twisted 15 µs for each: 10 ms for 4 KiB, as much as
    megabytes do in large ones.
    """

    __slots__ = ("most", "size")

    def __init__(self, most: int) -> None:
        self.most = self.size = most

    def took(self, seconds: float) -> None:
        """To serve the last one took so long."""
        if seconds > MOMENT:
            self.size = max(self.size // 2, LEAST)
        elif seconds < MOMENT / 4:
            self.size = min(self.size * 2, self.most)
