"""The ticker of a worker: runs heartbeats and jobs when they are due; never awaits I/O."""

import asyncio
import heapq
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from weakref import ref

from ..statistics import TickCounters
from .jobs import Job
from .session import ConnectedSession

logger = logging.getLogger("realtime.worker")

LONGEST_SLEEP = 0.250


def grain_for(pong_timeout: float) -> float:
    """The seconds to which wake-ups are rounded up, so that heartbeats share them: 0.02 to 0.1.

    A hundredth of the shortest timeout. With 1,000 connections and the default settings an idle
    worker needs 60 % of the CPU time that 20 ms would cost.
    """
    return min(max(pong_timeout / 100, 0.020), 0.100)


class Ticker:
    """Ticks heartbeats and jobs that are due.

    A heap holds each session at or before its due time; if the deadline has moved on, the
    session goes back with the later one. So a tick costs only what is due. Entries of departed
    sessions, or replaced by a sooner one, stay until their time, but hold weak references.

    ``tick_session(session, now)`` ticks a heartbeat, ``sessions()`` returns all of them. A tick
    that comes more than ``max_delay`` seconds late excuses all heartbeats. ``grain`` is
    :func:`grain_for`'s.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        tick_session: Callable[[ConnectedSession, float], None],
        sessions: Callable[[], Iterable[ConnectedSession]],
        max_delay: float,
        grain: float,
        counters: TickCounters | None = None,
    ) -> None:
        self._jobs = jobs
        self._tick_session = tick_session
        self._sessions = sessions
        self._max_delay = max_delay
        self._grain = grain
        self._heap: list[tuple[float, int, ref[ConnectedSession]]] = []
        self._order = itertools.count()
        self._expected = math.inf
        self._task: asyncio.Task[None] | None = None
        self.counters = counters or TickCounters()
        self.last_tick = time.monotonic()

    def start(self) -> None:
        """Start ticking in the running loop."""
        now = time.monotonic()
        for job in self._jobs:
            job.schedule(now)
        self._task = asyncio.create_task(self._run(), name="realtime-ticker")

    async def stop(self) -> None:
        """Stop ticking, then the jobs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._report()
        for job in self._jobs:
            await job.stop()

    async def settle(self) -> None:
        """Wait for the jobs that are under way."""
        for job in self._jobs:
            await job.settle()

    def watch(self, session: ConnectedSession, *, not_before: float = 0.0) -> None:
        """Tick this session whenever its heartbeat is due, but not before ``not_before``, until it
        departs. Call it again if the heartbeat becomes due before ``session.next_tick``."""
        due = session.next_tick = max(session.due, not_before)
        heapq.heappush(self._heap, (due, next(self._order), ref(session)))

    def tick(self, now: float) -> float:
        """Do what is due at ``now``. Returns when to tick again."""
        self._excuse_standstill(now)
        self._tick_sessions(now)
        for job in self._jobs:
            job.tick(now)
        return self._next_wake(now)

    def _excuse_standstill(self, now: float) -> None:
        """After a standstill of this process frames wait unread: no heartbeat counts that time."""
        late = now - self._expected
        if late > self._max_delay:
            logger.warning("this worker stood still for %.1f s", late)
            for session in self._sessions():
                session.heartbeat.excuse(late)

    def _tick_sessions(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            entered_for, _, session_ref = heapq.heappop(self._heap)
            session = session_ref()
            if session is None or session.departed or session.next_tick != entered_for:
                continue
            retry_at = self._try_tick(session, now) if session.due <= now else 0.0
            if not session.departed:
                self.watch(session, not_before=retry_at)

    def _try_tick(self, session: ConnectedSession, now: float) -> float:
        """Tick one session. Returns from when on it may be ticked again."""
        try:
            self._tick_session(session, now)
        except Exception:
            # A defect stops neither the other heartbeats nor the supervision of this one.
            logger.exception("a heartbeat failed")
            return now + LONGEST_SLEEP
        return 0.0

    def _next_wake(self, now: float) -> float:
        due = min([job.due for job in self._jobs if not job.running], default=math.inf)
        if self._heap:
            due = min(due, self._heap[0][0])
        grains = math.ceil((due - now) / self._grain) if due < now + LONGEST_SLEEP else math.inf
        return now + min(max(grains, 1) * self._grain, LONGEST_SLEEP)

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self._expected = self.tick(began)
            except Exception:
                # No defect may stop the ticker: the worker depends on it.
                logger.exception("a tick failed")
                self._expected = began + LONGEST_SLEEP
            self.last_tick = time.monotonic()
            self.counters.add(self.last_tick - began)
            await asyncio.sleep(self._expected - self.last_tick)

    def _report(self) -> None:
        counters = self.counters
        mean_ms = 1000 * counters.seconds / max(counters.ticks, 1)
        text = "%d ticks, %.3f ms on average, %.2f at most"
        logger.debug(text, counters.ticks, mean_ms, 1000 * counters.longest)
