"""How long to wait before the next attempt: exponential, capped, with full jitter.

Full jitter (a delay drawn evenly between zero and the ceiling) spreads the clients of a restarted
server best, with the fewest attempts:
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts, in seconds. Raises ValueError for numbers that make no pause.

    ``base`` is the ceiling of the first pause, ``factor`` its growth from failure to failure, and
    ``cap`` the highest ceiling. A ``jitter`` of 1 draws from zero to the ceiling, 0 takes the
    ceiling itself. ``max_attempts`` in a row may fail.

    It stands alone: ``for pause in Backoff(max_attempts=5)`` has a pause after each failed attempt
    but the last.
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 1.0
    max_attempts: float = math.inf

    def __post_init__(self) -> None:
        if not (self.base >= 0 and self.factor > 0 and self.cap >= 0 and 0 <= self.jitter <= 1):
            raise ValueError(f"expected base and cap from 0, factor above 0, jitter 0 to 1: {self}")

    def delay(self, failures: int, draw: Callable[[], float] = random.random) -> float:
        """Return the pause after ``failures`` earlier failures in a row, 0 for the first.
        ``draw()`` returns a number evenly from [0, 1)."""
        return self._ceiling(failures) * (1 - self.jitter * draw())

    def __iter__(self) -> Iterator[float]:
        """Yield the pause after each failed attempt, until ``max_attempts`` have failed."""
        for failures in itertools.count():
            if failures + 1 >= self.max_attempts:
                return
            yield self.delay(failures)

    def _ceiling(self, failures: int) -> float:
        try:
            return min(self.cap, self.base * self.factor**failures)
        except OverflowError:
            return self.cap
