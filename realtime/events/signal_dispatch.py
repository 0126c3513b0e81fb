"""Sends signals from threads: those of one session in order, of different ones side by side."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from django.dispatch import Signal

from realtime.common.threads import Threads, request_connections
from realtime.signals import room_left, send, send_for_rooms, send_suspended, session_suspended
from realtime.store.records import Session

logger = logging.getLogger("realtime.signals")

# Signals that wait at a worker, and those of one session: a client that joins and leaves rooms
# in a loop, while receivers are slow, does not displace the signals of other sessions.
MAX_QUEUED, MAX_QUEUED_PER_SESSION = 20_000, 256

Call = Callable[[], None]


@dataclass(slots=True)
class SignalCounters:
    """Counts of a dispatcher since its start. Its lock guards them."""

    sent: int = 0  # calls that have returned or raised
    dropped: int = 0  # that found a queue full


class _SessionQueue:
    """The signals of one session that wait; ``done`` completes when it is empty."""

    __slots__ = ("done", "session", "waiting")

    def __init__(self, session: str) -> None:
        self.session = session
        self.waiting: deque[Call] = deque()
        self.done: Future[None] = Future()

    def done_in(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """A future of this loop that completes with ``done``; the loop may close before."""
        future: asyncio.Future[None] = loop.create_future()

        def wake(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(future.set_result, None)

        self.done.add_done_callback(wake)
        return future


class SignalDispatcher:
    """Sends signals in ``threads``, at most as many at once as there are. Thread-safe.

    Callers do not wait. Beyond the bounds above signals are dropped; the first is logged, and
    their number once the queue is empty again.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._queues: dict[str, _SessionQueue] = {}
        self._ready: deque[_SessionQueue] = deque()  # those that no thread works on
        self._waiting = self._busy = 0
        self._dropped = 0  # since the queue was empty
        self.counters = SignalCounters()

    def dispatch(self, session: str, call: Call) -> None:
        """Call ``call()`` in a thread, after all earlier calls for this session id."""
        with self._lock:
            if not self._put(session, call):
                self._drop()
                return
            if self._busy == self._threads.size or not self._ready:
                return
            self._busy += 1
        try:
            self._threads.submit(self._work)
        except RuntimeError:  # the threads have ended, with their worker
            with self._lock:
                self._busy -= 1

    def dispatch_session(self, signal: Signal, session: Session) -> None:
        """Send ``session_opened`` or ``session_resumed``, if it has receivers."""
        if signal.has_listeners():
            self.dispatch(session.id, partial(send, signal, session))

    def dispatch_rooms(self, signal: Signal, session: Session, rooms: Iterable[str]) -> None:
        """Send ``room_joined`` or ``room_left`` for each of these rooms."""
        names = tuple(rooms)
        if names and signal.has_listeners():
            self.dispatch(session.id, partial(send_for_rooms, signal, session, names))

    def dispatch_left(self, sessions: Iterable[Session]) -> None:
        """Send ``room_left`` for all rooms of these sessions."""
        for session in sessions:
            self.dispatch_rooms(room_left, session, session.rooms)

    def dispatch_suspended(self, sessions: Iterable[Session]) -> None:
        """Send ``session_suspended``, and ``room_left`` for all their rooms."""
        if session_suspended.has_listeners() or room_left.has_listeners():
            for session in sessions:
                self.dispatch(session.id, partial(send_suspended, session))

    async def wait_for(self, sessions: Iterable[str], *, within: float | None) -> None:
        """Wait until no signal of these session ids waits, but at most ``within`` seconds."""
        with self._lock:
            queues = [queue for each in sessions if (queue := self._queues.get(each))]
        loop = asyncio.get_running_loop()
        if queues:
            await asyncio.wait([queue.done_in(loop) for queue in queues], timeout=within)

    async def settle(self, *, within: float | None = None) -> None:
        """Wait for all signals dispatched before, but at most ``within`` seconds."""
        with self._lock:
            sessions = list(self._queues)
        await self.wait_for(sessions, within=within)

    # ------------------------------------------------------------ the queues

    def _put(self, session: str, call: Call) -> bool:
        queue = self._queues.get(session)
        if self._waiting >= MAX_QUEUED or (queue and len(queue.waiting) >= MAX_QUEUED_PER_SESSION):
            return False
        if queue is None:
            queue = self._queues[session] = _SessionQueue(session)
            self._ready.append(queue)
        queue.waiting.append(call)
        self._waiting += 1
        return True

    def _drop(self) -> None:
        if not self._dropped:
            logger.error("too many signals wait for their receivers; the next ones are dropped")
        self._dropped += 1
        self.counters.dropped += 1

    # ------------------------------------------------------------ in a thread

    def _work(self) -> None:
        while queue := self._next():
            try:
                with request_connections():
                    queue.waiting[0]()
            except BaseException:  # also one that is meant to end the thread
                logger.exception("a signal could not be sent")
            self._on_sent(queue)

    def _next(self) -> _SessionQueue | None:
        with self._lock:
            if self._ready:
                return self._ready.popleft()
            self._busy -= 1
            return None

    def _on_sent(self, queue: _SessionQueue) -> None:
        with self._lock:
            queue.waiting.popleft()
            self._waiting -= 1
            self.counters.sent += 1
            if queue.waiting:
                self._ready.append(queue)  # behind those of other sessions
            else:
                del self._queues[queue.session]
            dropped = self._take_dropped()
        if dropped:
            logger.warning("signals reach their receivers again; %d were dropped", dropped)
        if not queue.waiting:
            queue.done.set_result(None)

    def _take_dropped(self) -> int:
        """How many signals were dropped, once, when no signal waits any more; else 0."""
        if self._waiting:
            return 0
        dropped, self._dropped = self._dropped, 0
        return dropped
