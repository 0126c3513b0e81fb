"""Connections that have not said hello yet: so many of one address, and no more."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

logger = logging.getLogger("realtime.sessions")

COMPLAIN_EVERY = 10.0  # seconds between two lines of the log about them


class Ungreeted:
    """Counts them by the place they come from, for one worker; ``limit`` 0 is none.

    Holds an entry for each place that has one, so it is bounded by the connections that the
    server holds.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._silent: Counter[str] = Counter()
        self._complained = -COMPLAIN_EVERY

    def admit(self, place: str) -> "Silence | None":
        """Count one more; None, and a line in the log, if there are as many as may be."""
        if self._limit and self._silent[place] >= self._limit:
            self._complain(place)
            return None
        self._silent[place] += 1
        return Silence(self, place)

    def leave(self, place: str) -> None:
        """One of them is none any more."""
        self._silent[place] -= 1
        if not self._silent[place]:
            del self._silent[place]

    def _complain(self, place: str) -> None:
        now = self._clock()
        if now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            logger.warning(
                "connections from %s are turned away: %d have not said hello "
                "(MAX_UNGREETED; TRUSTED_PROXIES if this is a proxy)",
                place or "a Unix socket",
                self._limit,
            )


class Silence:
    """One of them, until it has said hello or has ended: the context manager's end."""

    __slots__ = ("_place", "_ungreeted")

    def __init__(self, ungreeted: Ungreeted, place: str) -> None:
        self._ungreeted: Ungreeted | None = ungreeted
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
