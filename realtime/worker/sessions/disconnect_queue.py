"""The disconnect queue: reports connections that have ended to the store."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice

from msgspec.structs import replace

from realtime.common.tasks import start_task
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, Store
from realtime.store.records import Departure, Registration

from .failure_streak import FailureStreak

logger = logging.getLogger("realtime.worker")

MAX_PENDING = 100_000


@dataclass(frozen=True, slots=True)
class PendingDisconnect:
    """A disconnect that the store has yet to confirm.

    ``ends_session`` closes the session instead of suspending it. ``goodbye()`` is called after
    each attempt to report, so it must be idempotent. ``registration(now)``, with monotonic time,
    returns what makes the session known to a store that has lost it; None if the session
    was never more than a connection.
    """

    departure: Departure
    ends_session: bool
    goodbye: Callable[[], None]
    registration: Callable[[float], Registration] | None = None
    left_at: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> tuple[str, int, str]:
        """Session, generation and connection: a session may have several disconnects pending."""
        update = self.departure.update
        return update.session, update.generation, self.departure.connection

    def as_of_now(self) -> Departure:
        """The departure with its idle time extended by the time that it has waited here."""
        waited_ms = round((time.monotonic() - self.left_at) * 1000)
        update = self.departure.update
        return replace(self.departure, update=replace(update, idle_ms=update.idle_ms + waited_ms))


class DisconnectQueue:
    """Reports disconnects to the store in batches, and repeats each until it has succeeded.

    A client waits for its goodbye until the first attempt at most, whether that succeeds or
    not. At MAX_PENDING the oldest disconnect is dropped; its session's deadline in the store
    ends it all the same.

    ``hold()`` stops the reports until ``release()``: see the invariants of :mod:`.beats`.
    """

    def __init__(
        self,
        store: Store,
        sweeper: Sweeper,
        dispatcher: SignalDispatcher,
        *,
        worker: str,
        retry: float,
    ) -> None:
        self._store = store
        self._sweeper = sweeper
        self._dispatcher = dispatcher
        self._worker = worker
        self._retry = retry
        self._pending: OrderedDict[tuple[str, int, str], PendingDisconnect] = OrderedDict()
        self._full = self._stopped = False
        self._in_flight: Set[tuple[str, int, str]] = frozenset()
        self._released = asyncio.Event()
        self._released.set()
        self._streak = FailureStreak(
            "reporting disconnects", reported=lambda: not self._released.is_set()
        )
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, disconnect: PendingDisconnect) -> None:
        """Queue a disconnect for the next batch; those of one turn of the loop share it."""
        if self._stopped:  # the worker gives its lease back, which suspends its sessions
            return
        self._pending[disconnect.key] = disconnect
        if len(self._pending) > MAX_PENDING:
            self._drop_oldest()
        if self._task is None or self._task.done():
            self._task = start_task(self._run(), name="realtime-disconnects")

    def _drop_oldest(self) -> None:
        if not self._full:  # once, not for each of a flood
            logger.error("too many disconnects wait for the store; the oldest are dropped")
        self._full = True
        _, dropped = self._pending.popitem(last=False)
        dropped.goodbye()

    def hold(self) -> None:
        """Report nothing until :meth:`release`; a call in flight goes on."""
        self._released.clear()

    def release(self) -> None:
        """Resume reporting."""
        self._released.set()

    def unreported(self) -> Iterator[Registration]:
        """Pending sessions, as connected ones, but those in flight; see invariant 8 of beats."""
        for key, disconnect in list(self._pending.items()):
            if disconnect.registration and key not in self._in_flight:
                yield disconnect.registration(time.monotonic())

    async def settle(self, within: float) -> None:
        """Wait until the queue is empty, but at most ``within`` seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Stop reporting; drop what is pending."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._pending:
            await self._released.wait()
            batch = dict(islice(self._pending.items(), BATCH))
            self._in_flight = batch.keys()
            succeeded = await self._report(list(batch.values()))
            self._in_flight = frozenset()
            if not succeeded:
                self.send_goodbyes()
                await asyncio.sleep(self._retry)

    def send_goodbyes(self) -> None:
        """Say goodbye to all pending clients without waiting for the store any longer."""
        for disconnect in self._pending.values():
            disconnect.goodbye()

    async def _report(self, batch: Sequence[PendingDisconnect]) -> bool:
        suspended = [disconnect for disconnect in batch if not disconnect.ends_session]
        closed = [disconnect for disconnect in batch if disconnect.ends_session]
        succeeded = await self._try(self._suspend, suspended)
        return succeeded and await self._try(self._close, closed)

    async def _try(
        self,
        call: Callable[[Sequence[Departure]], Awaitable[None]],
        batch: Sequence[PendingDisconnect],
    ) -> bool:
        """Whether the call has succeeded; its disconnects have left the queue then."""
        if not batch:
            return True
        try:
            await call([disconnect.as_of_now() for disconnect in batch])
        except Exception as error:  # not even a defect may end this task
            self._streak.on_failure(error)
            return False
        self._streak.on_success()
        self._remove(batch)
        return True

    def _remove(self, batch: Sequence[PendingDisconnect]) -> None:
        for disconnect in batch:
            disconnect.goodbye()
            self._pending.pop(disconnect.key, None)
        self._full = False

    async def _suspend(self, departures: Sequence[Departure]) -> None:
        suspended = await self._store.suspend(self._worker, departures)
        self._dispatcher.dispatch_suspended(suspended)

    async def _close(self, departures: Sequence[Departure]) -> None:
        claimed = await self._store.close(self._worker, departures, self._worker)
        self._sweeper.finish_in_background(claimed)
