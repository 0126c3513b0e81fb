"""Connections that have not said hello yet: so many of one address, and no more."""

from collections import Counter
from typing import Self


class UngreetedLimit:
    """Counts them by the place they come from, for one worker; ``limit`` 0 is none.

    Holds an entry for each place that has one, so it is bounded by the connections that the
    server holds.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._silent: Counter[str] = Counter()

    def admit(self, place: str) -> "HelloDeadline | None":
        """Count one more; None if there are as many as may be."""
        if self._limit and self._silent[place] >= self._limit:
            return None
        self._silent[place] += 1
        return HelloDeadline(self, place)

    def leave(self, place: str) -> None:
        """One of them is none any more."""
        self._silent[place] -= 1
        if not self._silent[place]:
            del self._silent[place]


class HelloDeadline:
    """One of them, until it has said hello or has ended: the context manager's end."""

    __slots__ = ("_place", "_ungreeted")

    def __init__(self, ungreeted: UngreetedLimit, place: str) -> None:
        self._ungreeted: UngreetedLimit | None = ungreeted
        self._place = place

    def over(self) -> None:
        """It counts no more."""
        if self._ungreeted is not None:
            self._ungreeted.leave(self._place)
            self._ungreeted = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over()
