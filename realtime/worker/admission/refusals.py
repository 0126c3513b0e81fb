"""Connections that end before their welcome: counted by reason, and logged in two lines.

Invariants:

1. Every refusal is counted once, under one of the reasons below; there are no others.
2. A reason is logged when it opens and when it closes, however many connections it costs.
3. STORE, LOGIN_STORE and CAPACITY are failing until a probe of the worker passes, see
   ``probes.py``. The other reasons close after QUIET seconds without a refusal.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakKeyDictionary

from realtime.events.session_log import printable
from realtime.protocol.codes import CloseCode
from realtime.store.contract import AtCapacity, LoginsUnavailable, LoginUnverified, StoreUnavailable

from ..rooms.batched_reads import WorkerStopped

logger = logging.getLogger("realtime.refusals")

MINUTE = 60.0
QUIET = 60.0  # seconds without a refusal, after which a reason that no probe covers closes
FRESH = 5.0  # seconds for which a refusal alone, without a failed probe, counts as failing
MAX_CAUSE = 300  # characters


class Reason(StrEnum):
    """Why a connection was not welcomed."""

    STORE = "store"
    LOGIN_STORE = "login_store"
    CAPACITY = "capacity"
    APPLICATION = "application"
    LIMIT = "limit"
    UNAUTHENTICATED = "unauthenticated"
    ORIGIN = "origin"
    PROTOCOL = "protocol"
    NO_HELLO = "no_hello"
    DRAINING = "draining"
    RATE = "rate"


# Faults of the server: health is degraded while one of them fails.
DEGRADING = (Reason.STORE, Reason.LOGIN_STORE, Reason.CAPACITY)

LEVELS = {
    **dict.fromkeys(Reason, logging.WARNING),
    **dict.fromkeys((*DEGRADING, Reason.APPLICATION), logging.ERROR),
    # Every site meets these day by day.
    Reason.UNAUTHENTICATED: logging.INFO,
    Reason.NO_HELLO: logging.INFO,
    Reason.DRAINING: logging.INFO,
    Reason.LIMIT: logging.INFO,
}

# Close codes that name the reason. Code 4009 does not.
BY_CODE: Mapping[int, Reason] = {
    CloseCode.GOING_AWAY: Reason.DRAINING,
    CloseCode.SERVER_SHUTDOWN: Reason.DRAINING,
    CloseCode.RATE_LIMIT: Reason.RATE,
    CloseCode.NO_HELLO: Reason.NO_HELLO,
    CloseCode.CREDENTIALS_CHANGED: Reason.UNAUTHENTICATED,
    CloseCode.NOT_AUTHENTICATED: Reason.UNAUTHENTICATED,
    CloseCode.LOGGED_OUT: Reason.UNAUTHENTICATED,
    CloseCode.ORIGIN_REFUSED: Reason.ORIGIN,
    CloseCode.TOO_MANY_SESSIONS: Reason.LIMIT,
    CloseCode.PROTOCOL_ERRORS: Reason.PROTOCOL,
}

# The client has resumed elsewhere, or was ended before its welcome: not refusals.
NOT_REFUSED = (CloseCode.TAKEN_OVER, CloseCode.DISCONNECTED, CloseCode.NORMAL)


def reason_of(error: BaseException) -> Reason:
    """The reason under which a failed admission counts."""
    match error:
        case AtCapacity():
            return Reason.CAPACITY
        case LoginUnverified():
            return Reason.UNAUTHENTICATED
        case LoginsUnavailable():
            return Reason.LOGIN_STORE
        case WorkerStopped():
            return Reason.DRAINING
        case StoreUnavailable():
            return Reason.STORE
        case _:
            return Reason.APPLICATION


@dataclass(slots=True)
class _Episode:
    """A reason while it is open. ``confirmed``: a probe has failed, too. ``quiet``: not logged."""

    cause: str
    began: float
    last: float
    count: int = 0
    confirmed: bool = False
    quiet: bool = False


class Refusals:
    """Counts and logs the refusals of one event loop, see :func:`current`.

    A worker sets ``probe_soon()``, which is called when a DEGRADING reason opens and a probe
    should run at once, and ``store_is_down()``: whether the log has a line about the store
    already, which then stands for the one about STORE. ``clock()`` gives monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.probe_soon: Callable[[], object] = lambda: None
        self.store_is_down: Callable[[], bool] = lambda: False
        self._clock = clock
        self._episodes: dict[Reason, _Episode] = {}
        self._seconds: deque[tuple[int, Counter[Reason]]] = deque()
        self.totals: Counter[str] = Counter()  # since the worker's start

    # ------------------------------------------------------------ what clients meet

    def record(self, reason: Reason, cause: str = "") -> None:
        """Count a connection that was refused."""
        self.close_quiet()  # without a worker nothing else does
        now = self._clock()
        opens = reason not in self._episodes
        self.totals[reason] += 1
        self._count(reason, now)
        episode = self._episode(reason, cause, now)
        episode.last = now
        episode.count += 1
        if opens and reason in DEGRADING:
            self.probe_soon()

    def record_end(self, end: tuple[int, str] | None, error: BaseException | None) -> None:
        """Count a connection that ended before its welcome: closed with ``end`` (code and
        reason), or failed with ``error``. Neither: the client has left, which does not count."""
        if error is not None:
            self.record(reason_of(error), str(error) or type(error).__name__)
        elif end is not None and end[0] not in NOT_REFUSED:
            self.record(BY_CODE.get(end[0], Reason.APPLICATION), end[1])

    # ------------------------------------------------------------ what probes find

    def probe_failed(self, reason: Reason, cause: str) -> None:
        """A probe has failed: connections would be refused."""
        self._episode(reason, cause, self._clock()).confirmed = True

    def probe_passed(self, reason: Reason) -> None:
        """A probe has passed. It closes what a probe has confirmed, and an unconfirmed STORE or
        CAPACITY that is no longer fresh, since these probes need exactly what connections need.
        Unconfirmed LOGIN_STORE may come from an override of ``authenticate``."""
        episode = self._episodes.get(reason)
        if episode is None:
            return
        stale = self._clock() - episode.last >= FRESH and reason is not Reason.LOGIN_STORE
        if episode.confirmed or stale:
            self._close(reason)

    def store_recovered(self) -> None:
        """The log says that the store is back. That closes what opened while the log said that
        the store is away; otherwise a probe decides."""
        episode = self._episodes.get(Reason.STORE)
        if episode is not None and episode.quiet:
            self._close(Reason.STORE)
        elif episode is not None:
            self.probe_soon()

    def close_quiet(self) -> None:
        """Close unconfirmed reasons without a refusal for QUIET seconds."""
        now = self._clock()
        for reason, episode in list(self._episodes.items()):
            if not episode.confirmed and now - episode.last >= QUIET:
                self._close(reason)

    # ------------------------------------------------------------ what health shows

    @property
    def recent(self) -> dict[str, int]:
        """Refusals of the last minute, by reason."""
        since, sums = self._clock() - MINUTE, Counter[Reason]()
        for second, counts in tuple(self._seconds):  # other threads read this, too
            if second > since:
                sums.update(counts)
        return {reason.value: sums[reason] for reason in Reason if sums[reason]}

    @property
    def failing(self) -> dict[str, str]:
        """The DEGRADING reasons that fail now, each with its cause."""
        return {
            reason.value: self._episodes[reason].cause
            for reason in DEGRADING
            if self.is_failing(reason)
        }

    def is_failing(self, reason: Reason) -> bool:
        """Whether a connection would be refused now for this DEGRADING reason."""
        episode = self._episodes.get(reason)
        if episode is None:
            return False
        return episode.confirmed or self._clock() - episode.last < FRESH

    def is_open(self, reason: Reason) -> bool:
        """Whether this reason has opened and not closed."""
        return reason in self._episodes

    # ------------------------------------------------------------ episodes

    def _episode(self, reason: Reason, cause: str, now: float) -> _Episode:
        cause = printable(cause)[:MAX_CAUSE]
        episode = self._episodes.get(reason)
        if episode is None:
            episode = self._episodes[reason] = self._open(reason, cause, now)
        elif cause:
            episode.cause = cause
        return episode

    def _open(self, reason: Reason, cause: str, now: float) -> _Episode:
        quiet = reason is Reason.STORE and self.store_is_down()
        if not quiet:
            extra = {"reason": reason.value}
            text = "connections are refused, %s: %s"
            logger.log(LEVELS[reason], text, reason.value, cause, extra=extra)
        return _Episode(cause, began=now, last=now, quiet=quiet)

    def _close(self, reason: Reason) -> None:
        episode = self._episodes.pop(reason)
        if episode.quiet:
            return
        lasted = self._clock() - episode.began
        extra = {"reason": reason.value, "count": episode.count}
        text = "connections are refused no more, %s: %d were, in %.1f s"
        level = min(LEVELS[reason], logging.WARNING)
        logger.log(level, text, reason.value, episode.count, lasted, extra=extra)

    # ------------------------------------------------------------ the last minute

    def _count(self, reason: Reason, now: float) -> None:
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
            while self._seconds and self._seconds[0][0] <= now - MINUTE:
                self._seconds.popleft()
        self._seconds[-1][1][reason] += 1


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Refusals] = WeakKeyDictionary()


def current() -> Refusals:
    """The refusals of the running event loop, also before its worker has started."""
    return _by_loop.setdefault(asyncio.get_running_loop(), Refusals())


def reset() -> None:
    """Forget the refusals of the running event loop, whose worker has ended."""
    _by_loop.pop(asyncio.get_running_loop(), None)
