"""One ticker per worker: it sleeps until something is due and never awaits I/O."""

import asyncio
import heapq
import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from weakref import ref

from .jobs import Job
from .session import ConnectedSession

logger = logging.getLogger("realtime.worker")

LONGEST_SLEEP = 0.250


def grain_for(patience: float) -> float:
    """To what wake-ups are rounded up, so that beats share them: 20 to 100 ms.

    A hundredth of the shortest time that is judged. With 1,000 connections and the
    default settings the worker idles at 60 % of what it costs with 20 ms.
    """
    return min(max(patience / 100, 0.020), 0.100)


class Ticker:
    """Asks heartbeats when they are due, starts jobs when they are.

    A heap holds each session at or before its due time: a deadline that has moved on is
    found out when its turn comes. So a tick costs what is due. An entry that an earlier one
    has replaced, or whose session has departed, waits for its turn, but keeps neither
    session nor transport.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        beat: Callable[[ConnectedSession, float], None],
        sessions: Callable[[], Iterable[ConnectedSession]],
        patience: float,
        grain: float,
    ) -> None:
        self._jobs = jobs
        self._beat = beat
        self._sessions = sessions
        self._patience = patience
        self._grain = grain
        self._heap: list[tuple[float, int, ref[ConnectedSession]]] = []
        self._order = itertools.count()
        self._expected = math.inf
        self._task: asyncio.Task[None] | None = None
        self.last_tick = time.monotonic()
        self.ticks = 0
        self.time_in_ticks = 0.0
        self.longest_tick = 0.0

    def start(self) -> None:
        """Begin to tick in the running loop."""
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

    def watch(self, session: ConnectedSession, *, not_before: float = 0.0) -> None:
        """Ask this session's heartbeat when it is due, until it has departed. To be called
        again when it is due before ``session.watched``."""
        due = session.watched = max(session.heartbeat.due, not_before)
        heapq.heappush(self._heap, (due, next(self._order), ref(session)))

    def tick(self, now: float) -> float:
        """Do what is due at ``now``; when to tick again."""
        self._excuse_standstill(now)
        self._beat_hearts(now)
        for job in self._jobs:
            job.tick(now)
        return self._next_wake(now)

    def _excuse_standstill(self, now: float) -> None:
        """This process stood still: frames wait unread, so nobody's silence counts."""
        late = now - self._expected
        if late > self._patience:
            logger.warning("this worker stood still for %.1f s", late)
            for session in self._sessions():
                session.heartbeat.excuse(late)

    def _beat_hearts(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            entered_for, _, session_ref = heapq.heappop(self._heap)
            session = session_ref()
            if session is None or session.departed or session.watched != entered_for:
                continue
            due = self._ask(session, now) if session.heartbeat.due <= now else 0.0
            if not session.departed:
                self.watch(session, not_before=due)

    def _ask(self, session: ConnectedSession, now: float) -> float:
        """Beat one heart; from when on it may be asked again."""
        try:
            self._beat(session, now)
        except Exception:
            # A defect in one beat must not stop the others, nor leave a ghost unwatched.
            logger.exception("a beat failed")
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
                # The heart of the worker: no defect may stop it.
                logger.exception("a tick failed")
                self._expected = began + LONGEST_SLEEP
            self.last_tick = time.monotonic()
            self._note(self.last_tick - began)
            await asyncio.sleep(self._expected - self.last_tick)

    def _note(self, duration: float) -> None:
        self.ticks += 1
        self.time_in_ticks += duration
        self.longest_tick = max(self.longest_tick, duration)

    def _report(self) -> None:
        mean_ms = 1000 * self.time_in_ticks / max(self.ticks, 1)
        most_ms = 1000 * self.longest_tick
        logger.debug("%d ticks, %.3f ms on average, %.2f at most", self.ticks, mean_ms, most_ms)
