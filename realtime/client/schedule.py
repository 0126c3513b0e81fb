"""When to connect again: counts attempts, and grows the pauses."""

import math
import random
from collections.abc import Callable
from typing import Any, Literal

from realtime.protocol.codes import CloseCode, is_final

from .backoff import Backoff

# The server works, or says when to return: at once, or within its `delay`.
SOON = frozenset(
    {
        CloseCode.GOING_AWAY,
        CloseCode.RESTARTING,
        CloseCode.SERVER_SHUTDOWN,
        CloseCode.HEARTBEAT_TIMEOUT,
        CloseCode.SLOW_CONSUMER,
        CloseCode.MISCOUNT,
        CloseCode.CREDENTIALS_CHANGED,
    }
)
# The server lost this client. In case it lost many, its `delay` is wide enough for all of them.
WIDE_DELAY = CloseCode.HEARTBEAT_TIMEOUT

# A connection that ends sooner was no success and the pauses go on growing. Otherwise a server that
# welcomes and drops its clients would get attempts without end.
SETTLED = 5.0


def behaviour(code: int) -> Literal["stay", "soon", "backoff"]:
    """Return the client's reaction to a close code: stay away, return within the server's
    ``delay``, or return with backoff."""
    if is_final(code):
        return "stay"
    return "soon" if code in SOON else "backoff"


def delay_within(window: Any, draw: Callable[[], float]) -> float | None:
    """Return a random time within a window ``[from, to]`` of the server, which is in milliseconds,
    in seconds; None if it is not a valid window."""
    if not isinstance(window, list | tuple) or len(window) != 2:
        return None
    if not all(isinstance(each, int | float) for each in window):
        return None
    first, last = window
    if not 0 <= first <= last < math.inf:
        return None
    return float(first + (last - first) * draw()) / 1000


class ReconnectSchedule:
    """The attempts of one client. Times are seconds of any monotonic clock."""

    def __init__(self, backoff: Backoff, draw: Callable[[], float] = random.random) -> None:
        self._backoff = backoff
        self._draw = draw
        self._failures = 0
        self._welcomed_at: float | None = None
        self.attempts = 0  # begun since the last welcome

    @property
    def exhausted(self) -> bool:
        """Whether no further attempt is allowed."""
        return self.attempts >= self._backoff.max_attempts

    def on_attempt(self) -> None:
        """Count an attempt that begins."""
        self.attempts += 1

    def on_welcome(self, now: float) -> None:
        """Note that the attempt has succeeded."""
        self.attempts = 0
        self._welcomed_at = now

    def pause_after(self, code: int, window: Any, now: float) -> float:
        """Return the seconds to wait after an attempt or a connection has ended with ``code``;
        ``window`` is the server's ``delay``."""
        if self._welcomed_at is not None and now - self._welcomed_at >= SETTLED:
            self._failures = 0
        self._welcomed_at = None
        from_server = delay_within(window, self._draw)
        if from_server is not None and behaviour(code) == "soon" and code != WIDE_DELAY:
            return from_server
        pause = self._backoff.delay(self._failures, self._draw)
        self._failures += 1
        if code == WIDE_DELAY:
            return pause if from_server is None else min(from_server, pause)
        return max(from_server or 0.0, pause)
