"""How many bytes of a connection are read at a time."""

MAX_SERVICE_TIME = 0.001  # seconds that serving one read may keep other connections waiting
MIN_SIZE = 256  # bytes


class AdaptiveReadSize:
    """Halves ``size`` while serving a read takes long, and doubles it while serving is quick.

    A body in chunks of one byte costs h11 and Twisted 15 µs per chunk: 10 ms for 4 KiB, as
    much as megabytes in large chunks.
    """

    __slots__ = ("maximum", "size")

    def __init__(self, maximum: int) -> None:
        self.maximum = self.size = maximum

    def record(self, seconds: float) -> None:
        """Adapt to how long serving the last read took."""
        if seconds > MAX_SERVICE_TIME:
            self.size = max(self.size // 2, MIN_SIZE)
        elif seconds < MAX_SERVICE_TIME / 4:
            self.size = min(self.size * 2, self.maximum)
