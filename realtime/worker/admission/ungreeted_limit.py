"""MAX_UNGREETED: how many connections of one network may not have said hello yet."""

from collections import Counter


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
        return UngreetedSlot(self._counts, network)


class UngreetedSlot:
    """The slot of one connection, until its hello or its end."""

    __slots__ = ("_counts", "_network")

    def __init__(self, counts: Counter[str], network: str) -> None:
        self._counts: Counter[str] | None = counts
        self._network = network

    def close(self) -> None:
        """Give the slot back; further calls have no effect."""
        counts, self._counts = self._counts, None
        if counts is not None:
            counts[self._network] -= 1
            if not counts[self._network]:
                del counts[self._network]
