"""Whose deadlines are looked at next.

To look at ten thousand connections takes 30 ms, nearly all of it spent on memory that no cache
has kept, and finds nothing: what is due comes once a minute for each. So each says when it wants
to be looked at, and a look costs what is due.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

NOW = 0.0  # at the next look, and at every one after it
NEVER = 1e12  # seconds; infinity has no turn, and would end all looking


class Watched(Protocol):
    """A connection with deadlines."""

    turn: int | None  # the rota's own; None once it is over

    @property
    def due(self) -> float:
        """When it wants to be looked at, in monotonic seconds: at the latest when something is
        due by then. It may put that off, but not bring it forward. NOW: at the next look."""


T = TypeVar("T", bound=Watched)


class TimerWheel(Generic[T]):
    """Connections by the tick in which their turn comes: that of their ``due``, or the one after.

    ``tick``: the seconds between two looks. Whoever is too early is given another turn.
    """

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._turns: defaultdict[int, set[T]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._turns.values()))

    def add(self, connection: T) -> None:
        """Look at it from now on, in the next tick first."""
        connection.turn = int(NOW)
        self._turns[connection.turn].add(connection)

    def discard(self, connection: T) -> None:
        """Look at it no more, not even in a look under way."""
        if connection.turn is not None:
            self._turns[connection.turn].discard(connection)
            connection.turn = None

    def look(self, now: float) -> Iterator[T]:
        """Those whose turn it is; each has its next one when the following is asked for."""
        last = int(now / self._tick)
        for turn in [turn for turn in self._turns if turn <= last]:
            for connection in self._turns.pop(turn):
                if connection.turn is not None:
                    yield connection
                    self._put_back(connection)

    def _put_back(self, connection: T) -> None:
        if connection.turn is not None:  # else it has ended by what was seen
            connection.turn = int(min(connection.due, NEVER) / self._tick)
            self._turns[connection.turn].add(connection)
