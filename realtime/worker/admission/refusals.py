"""What ends connections before they are welcomed: counted by reason, and logged in two lines.

Invariants:

1. Every refusal is counted once, under one of the reasons below; there are no others.
2. A reason is logged when it begins and when it is over, however many connections it costs.
3. STORE, LOGIN_STORE and CAPACITY fail until an attempt of the worker's own succeeds, see
   ``probes.py``. The other reasons are over after QUIET seconds without a refusal.
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

logger = logging.getLogger("realtime.refusals")

MINUTE = 60.0
QUIET = 60.0  # seconds without a refusal, then a reason that no attempt can settle is over
FRESH = 5.0  # seconds for which a refusal alone, without a failed attempt, counts as failing
LONGEST_WORDS = 300


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


# Those that are the server's own trouble: health is degraded while one of them fails.
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

# What a connection was closed with, where that says it all. Code 4009 says nothing by itself.
BY_CODE: Mapping[int, Reason] = {
    CloseCode.GOING_AWAY: Reason.DRAINING,
    CloseCode.SERVER_SHUTDOWN: Reason.DRAINING,
    CloseCode.RATE_LIMIT: Reason.RATE,
    CloseCode.NO_HELLO: Reason.NO_HELLO,
    CloseCode.CREDENTIALS_CHANGED: Reason.UNAUTHENTICATED,
    CloseCode.NOT_AUTHENTICATED: Reason.UNAUTHENTICATED,
    CloseCode.LOGGED_OUT: Reason.UNAUTHENTICATED,
    CloseCode.TOO_MANY_SESSIONS: Reason.LIMIT,
    CloseCode.PROTOCOL_ERRORS: Reason.PROTOCOL,
}

# Their client has gone on elsewhere, or was ended before it was welcomed: nothing was refused.
ANSWERS = (CloseCode.TAKEN_OVER, CloseCode.DISCONNECTED, CloseCode.NORMAL)


def reason_of(error: BaseException) -> Reason:
    """What an admission has failed of."""
    match error:
        case AtCapacity():
            return Reason.CAPACITY
        case LoginUnverified():
            return Reason.UNAUTHENTICATED
        case LoginsUnavailable():
            return Reason.LOGIN_STORE
        case StoreUnavailable():
            return Reason.STORE
        case _:
            return Reason.APPLICATION


def _nothing() -> None:
    """Without a worker there is no attempt to hasten."""


def _never() -> bool:
    return False


@dataclass(slots=True)
class _Episode:
    """A reason that goes on. ``confirmed``: an attempt of the worker's own has failed, too."""

    words: str
    began: float
    last: float
    count: int = 0
    confirmed: bool = False
    quiet: bool = False


class Refusals:
    """Counts, folds and logs; there is one for each event loop, see :func:`here`.

    A worker sets ``hasten``, which is called when a DEGRADING reason begins: an attempt should
    be made at once; and ``store_is_away``, whether the log has a line about the store already,
    which then stands for the one about STORE. ``clock`` is monotonic, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.hasten: Callable[[], object] = _nothing
        self.store_is_away: Callable[[], bool] = _never
        self._clock = clock
        self._episodes: dict[Reason, _Episode] = {}
        self._seconds: deque[tuple[int, Counter[Reason]]] = deque()
        self.totals: Counter[str] = Counter()  # since the worker's start

    # ------------------------------------------------------------ what clients meet

    def note(self, reason: Reason, words: str = "") -> None:
        """A connection was refused; ``words`` are the cause's own."""
        self.look()  # without a worker nothing else does
        now = self._clock()
        begins = reason not in self._episodes
        self.totals[reason] += 1
        self._count(reason, now)
        episode = self._episode(reason, words, now)
        episode.last = now
        episode.count += 1
        if begins and reason in DEGRADING:
            self.hasten()

    def ended(self, end: tuple[int, str] | None, error: BaseException | None) -> None:
        """A connection that was not welcomed is over: it was closed with ``end`` (code and
        reason), or failed with ``error``. None for both if its client has gone by itself."""
        if error is not None:
            self.note(reason_of(error), str(error) or type(error).__name__)
        elif end is not None and end[0] not in ANSWERS:
            self.note(BY_CODE.get(end[0], Reason.APPLICATION), end[1])

    # ------------------------------------------------------------ what the worker finds out

    def failed(self, reason: Reason, words: str) -> None:
        """An attempt of the worker's own has failed: connections would be refused."""
        self._episode(reason, words, self._clock()).confirmed = True

    def passed(self, reason: Reason) -> None:
        """An attempt has succeeded. It ends what an attempt has confirmed, and for the store and
        the capacity what is not fresh: the attempt is at the very thing that connections need.
        Of logins an application's own ``authenticate`` may say what no attempt of ours finds."""
        episode = self._episodes.get(reason)
        if episode is None:
            return
        stale = self._clock() - episode.last >= FRESH and reason is not Reason.LOGIN_STORE
        if episode.confirmed or stale:
            self._over(reason)

    def store_is_back(self) -> None:
        """The log says so: that is the end, too, of what began while it said the contrary. All
        else about the store is for an attempt to find out."""
        episode = self._episodes.get(Reason.STORE)
        if episode is not None and episode.quiet:
            self._over(Reason.STORE)
        elif episode is not None:
            self.hasten()

    def look(self) -> None:
        """End what no attempt has confirmed, and no client has met for QUIET seconds."""
        now = self._clock()
        for reason, episode in list(self._episodes.items()):
            if not episode.confirmed and now - episode.last >= QUIET:
                self._over(reason)

    # ------------------------------------------------------------ what is told

    @property
    def recent(self) -> dict[str, int]:
        """How many were refused in the last minute, by reason."""
        since, sums = self._clock() - MINUTE, Counter[Reason]()
        for second, counts in tuple(self._seconds):  # asked from other threads, too
            if second > since:
                sums.update(counts)
        return {reason.value: sums[reason] for reason in Reason if sums[reason]}

    @property
    def failing(self) -> dict[str, str]:
        """The DEGRADING reasons that fail now, each with its cause's words."""
        return {
            reason.value: self._episodes[reason].words for reason in DEGRADING if self.fails(reason)
        }

    def fails(self, reason: Reason) -> bool:
        """Whether a connection would be refused now for this DEGRADING reason."""
        episode = self._episodes.get(reason)
        if episode is None:
            return False
        return episode.confirmed or self._clock() - episode.last < FRESH

    def goes_on(self, reason: Reason) -> bool:
        """Whether this reason has begun and is not over."""
        return reason in self._episodes

    # ------------------------------------------------------------ episodes

    def _episode(self, reason: Reason, words: str, now: float) -> _Episode:
        words = printable(words)[:LONGEST_WORDS]
        episode = self._episodes.get(reason)
        if episode is None:
            episode = self._episodes[reason] = self._begin(reason, words, now)
        elif words:
            episode.words = words
        return episode

    def _begin(self, reason: Reason, words: str, now: float) -> _Episode:
        quiet = reason is Reason.STORE and self.store_is_away()
        if not quiet:
            extra = {"reason": reason.value}
            text = "connections are refused, %s: %s"
            logger.log(LEVELS[reason], text, reason.value, words, extra=extra)
        return _Episode(words, began=now, last=now, quiet=quiet)

    def _over(self, reason: Reason) -> None:
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
            self._forget(now)
        self._seconds[-1][1][reason] += 1

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - MINUTE:
            self._seconds.popleft()


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Refusals] = WeakKeyDictionary()


def here() -> Refusals:
    """Those of the running loop: a handshake may be refused before its worker has started."""
    return _of_loops.setdefault(asyncio.get_running_loop(), Refusals())


def forget() -> None:
    """The running loop's worker has ended: another one begins anew."""
    _of_loops.pop(asyncio.get_running_loop(), None)
