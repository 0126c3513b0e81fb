"""MAX_UNGREETED: how many connections of one network may not have said hello yet."""

from collections import Counter
from typing import Self


class UngreetedLimit:
    """Counts a worker's ungreeted connections by network; a ``limit`` of 0 limits nothing.

    Holds an entry for each network that has such a connection, so it is bounded by the
    connections that the server holds.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()

    def take(self, network: str) -> "UngreetedSlot | None":
        """A slot for one more connection; None if the network has none left."""
        if self._limit and self._counts[network] >= self._limit:
            return None
        self._counts[network] += 1
        return UngreetedSlot(self, network)

    def release(self, network: str) -> None:
        """Count one connection less."""
        self._counts[network] -= 1
        if not self._counts[network]:
            del self._counts[network]


class UngreetedSlot:
    """The slot of one connection, until its hello or its end. A context manager."""

    __slots__ = ("_limit", "_network")

    def __init__(self, limit: UngreetedLimit, network: str) -> None:
        self._limit: UngreetedLimit | None = limit
        self._network = network

    def release(self) -> None:
        """Give the slot back; further calls have no effect."""
        if self._limit is not None:
            self._limit.release(self._network)
            self._limit = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
