"""Receivers of signals: told from threads, those of one session in order."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from realtime.common.threads import Threads, as_in_a_request
from realtime.signals import announce_left, announce_suspended, room_left, session_suspended
from realtime.store.records import Session

logger = logging.getLogger("realtime.signals")

# So many wait at a worker, and of one session: somebody who comes into rooms and leaves them
# as fast as they can, while receivers are slow, takes no place of the others.
MOST, MOST_OF_ONE = 20_000, 256

Announce = Callable[[], None]


class _SessionQueue:
    """What waits to be announced of one session. ``heard`` is done when nothing waits."""

    __slots__ = ("heard", "session", "waiting")

    def __init__(self, session: str) -> None:
        self.session = session
        self.waiting: deque[Announce] = deque()
        self.heard: Future[None] = Future()

    def awaited(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """A future of this loop that is done with ``heard``; the loop may end before."""
        waiting: asyncio.Future[None] = loop.create_future()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(waiting.set_result, None)

        self.heard.add_done_callback(wake)
        return waiting


class SignalDispatcher:
    """Tells them, off the event loop, and nobody waits for it. May be told by any thread.

    What is told of one session is announced in that order, of different sessions side by
    side in ``threads``. At the bounds above what is told is dropped, which is logged when it
    begins, and with a number when it is over.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._lines: dict[str, _SessionQueue] = {}
        self._ready: deque[_SessionQueue] = deque()  # those that no thread announces anything of
        self._waiting = self._busy = self._dropped = 0

    def tell(self, session: str, announce: Announce) -> None:
        """Call ``announce`` in a thread, once what was told of this session before is over."""
        with self._lock:
            if not self._put(session, announce):
                self._drop()
                return
            if self._busy == self._threads.size or not self._ready:
                return
            self._busy += 1
        try:
            self._threads.submit(self._work)
        except RuntimeError:  # this worker has ended
            with self._lock:
                self._busy -= 1

    def tell_suspended(self, sessions: Iterable[Session]) -> None:
        """Announce ``session_suspended``, and ``room_left`` for all their rooms."""
        if session_suspended.has_listeners() or room_left.has_listeners():
            for session in sessions:
                self.tell(session.id, partial(announce_suspended, [session]))

    def tell_left(self, sessions: Iterable[Session]) -> None:
        """Announce ``room_left`` for all rooms in which these sessions were until now."""
        if room_left.has_listeners():
            for session in sessions:
                if session.rooms:
                    self.tell(session.id, partial(announce_left, [session]))

    async def heard(self, sessions: Iterable[str], *, within: float | None) -> None:
        """Wait until what was told of these sessions is announced, at most so many seconds."""
        with self._lock:
            lines = [line for each in sessions if (line := self._lines.get(each))]
        loop = asyncio.get_running_loop()
        if lines:
            await asyncio.wait([line.awaited(loop) for line in lines], timeout=within)

    async def settle(self, *, within: float | None = None) -> None:
        """Wait until all that was told is announced, but at most so many seconds."""
        with self._lock:
            sessions = list(self._lines)
        await self.heard(sessions, within=within)

    # ------------------------------------------------------------ waiting

    def _put(self, session: str, announce: Announce) -> bool:
        line = self._lines.get(session)
        if self._waiting >= MOST or (line and len(line.waiting) >= MOST_OF_ONE):
            return False
        if line is None:
            line = self._lines[session] = _SessionQueue(session)
            self._ready.append(line)
        line.waiting.append(announce)
        self._waiting += 1
        return True

    def _drop(self) -> None:
        if not self._dropped:
            logger.error("too many signals wait for their receivers; the next ones are dropped")
        self._dropped += 1

    # ------------------------------------------------------------ announcing, in a thread

    def _work(self) -> None:
        while line := self._next():
            try:
                with as_in_a_request():
                    line.waiting[0]()
            except BaseException:  # also one that wants to end its thread
                logger.exception("a signal could not be sent")
            self._announced(line)

    def _next(self) -> _SessionQueue | None:
        with self._lock:
            if self._ready:
                return self._ready.popleft()
            self._busy -= 1
            return None

    def _announced(self, line: _SessionQueue) -> None:
        with self._lock:
            line.waiting.popleft()
            self._waiting -= 1
            if line.waiting:
                self._ready.append(line)  # behind those of others
            else:
                del self._lines[line.session]
            dropped = self._over()
        if dropped:
            logger.warning("signals reach their receivers again; %d were dropped", dropped)
        if not line.waiting:
            line.heard.set_result(None)

    def _over(self) -> int:
        """How many were dropped, if that is over now; once."""
        if self._waiting:
            return 0
        dropped, self._dropped = self._dropped, 0
        return dropped
