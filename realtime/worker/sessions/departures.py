"""Connections that have ended, on their way to the store."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import islice

from msgspec.structs import replace

from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.store.contract import BATCH, Store
from realtime.store.records import Departure, Registration

from .streaks import FailureStreak

logger = logging.getLogger("realtime.worker")

MAX_PENDING = 100_000


@dataclass(frozen=True, slots=True)
class PendingDisconnect:
    """One departure. ``for_good`` ends the session instead of suspending it; ``goodbye``
    is called after each attempt to tell the store, so only the first may have an effect.

    ``registration`` makes the session known, at a time by the monotonic clock, to a store
    that has lost it; None if there was never more than a connection.
    """

    departure: Departure
    for_good: bool
    goodbye: Callable[[], None]
    registration: Callable[[float], Registration] | None = None
    left_at: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells it from others: a session may have several on their way."""
        pulse = self.departure.pulse
        return pulse.session, pulse.generation, self.departure.connection

    def told_now(self) -> Departure:
        """The departure as the store should hear of it now: the last life is longer ago."""
        waited_ms = round((time.monotonic() - self.left_at) * 1000)
        pulse = self.departure.pulse
        return replace(self.departure, pulse=replace(pulse, idle_ms=pulse.idle_ms + waited_ms))


class DisconnectQueue:
    """Tells the store who has left, in batches, again until it has heard.

    The wait for the store is bounded: goodbye is said after the first attempt,
    whatever came of it. At MAX_PENDING the oldest is dropped; its session's deadline
    in the store ends it all the same.

    A beat that fails, or that finds another incarnation of the store, puts a ``hold`` on
    it until one succeeds: a session that the store does not know cannot leave it.
    """

    def __init__(
        self,
        store: Store,
        sweeper: Sweeper,
        receivers: SignalDispatcher,
        *,
        worker: str,
        retry: float,
    ) -> None:
        self._store = store
        self._sweeper = sweeper
        self._receivers = receivers
        self._worker = worker
        self._retry = retry
        self._pending: OrderedDict[tuple[str, int, str], PendingDisconnect] = OrderedDict()
        self._full = self._stopped = False
        self._under_way: Set[tuple[str, int, str]] = frozenset()
        self._released = asyncio.Event()
        self._released.set()
        self._streak = FailureStreak("telling who has left", known=self._is_held)
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, leaving: PendingDisconnect) -> None:
        """Queue a departure; the store hears of it with the next batch. Not after :meth:`stop`:
        the worker leaves then, and with it all that it had asked for."""
        if self._stopped:
            return
        self._pending[leaving.key] = leaving
        if len(self._pending) > MAX_PENDING:
            self._drop_oldest()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="realtime-departures")

    def _drop_oldest(self) -> None:
        if not self._full:  # once, not for each of a flood
            logger.error("too many departures wait for the store; the oldest are dropped")
        self._full = True
        _, dropped = self._pending.popitem(last=False)
        dropped.goodbye()

    def _is_held(self) -> bool:
        return not self._released.is_set()

    def hold(self) -> None:
        """Tell the store of nobody until :meth:`release`; what is under way goes on."""
        self._released.clear()

    def release(self) -> None:
        """Go on telling."""
        self._released.set()

    def unheard(self) -> Iterator[Registration]:
        """Whoever the store has yet to hear of, as connected sessions. Without those it is
        being told of: put back behind their departure, they would stay."""
        for key, leaving in list(self._pending.items()):
            if leaving.registration and key not in self._under_way:
                yield leaving.registration(time.monotonic())

    async def settle(self, within: float) -> None:
        """Wait until the store knows of all, but at most so many seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    async def stop(self) -> None:
        """Give up what the store has not heard of."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        await asyncio.sleep(0)  # what ends in one go travels in one batch
        while self._pending:
            await self._released.wait()
            batch = dict(islice(self._pending.items(), BATCH))
            self._under_way = batch.keys()
            heard = await self._tell_all(list(batch.values()))
            self._under_way = frozenset()
            if not heard:
                self.say_goodbyes()
                await asyncio.sleep(self._retry)

    def say_goodbyes(self) -> None:
        """Nobody is kept waiting for a store that does not answer."""
        for leaving in self._pending.values():
            leaving.goodbye()

    async def _tell_all(self, batch: Sequence[PendingDisconnect]) -> bool:
        suspended = [leaving for leaving in batch if not leaving.for_good]
        closed = [leaving for leaving in batch if leaving.for_good]
        heard = await self._tell(self._suspend, suspended)
        return heard and await self._tell(self._close, closed)

    async def _tell(
        self,
        store: Callable[[Sequence[Departure]], Awaitable[None]],
        batch: Sequence[PendingDisconnect],
    ) -> bool:
        """Whether the store has heard; whom it has heard of is not told again."""
        if not batch:
            return True
        try:
            await store([leaving.told_now() for leaving in batch])
        except Exception as error:  # not even a defect may end this task
            self._streak.failed(error)
            return False
        self._streak.worked()
        self._told(batch)
        return True

    def _told(self, batch: Sequence[PendingDisconnect]) -> None:
        for leaving in batch:
            leaving.goodbye()
            self._pending.pop(leaving.key, None)
        self._full = False

    async def _suspend(self, departures: Sequence[Departure]) -> None:
        suspended = await self._store.suspend(self._worker, departures)
        self._receivers.tell_suspended(suspended)

    async def _close(self, departures: Sequence[Departure]) -> None:
        claimed = await self._store.close(self._worker, departures, self._worker)
        self._sweeper.finish_soon(claimed)
