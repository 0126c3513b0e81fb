"""The worker's beat to the store: its lease, its sessions' news, its inbox."""

import logging
import time
from collections.abc import Callable
from itertools import islice

from realtime.store.base import BATCH, Store, StoreUnavailable
from realtime.store.records import Pulse
from realtime.sweeper import Sweeper

from .hub import Hub
from .session import ConnectedSession

logger = logging.getLogger("realtime.worker")


class Beats:
    """Flushes what has changed, with every flush renewing the lease.

    ``healthy`` is False from the first beat that fails until one succeeds; each
    change is logged once.
    """

    def __init__(self, store: Store, sweeper: Sweeper, hub: Hub, *, lease: float) -> None:
        self._store = store
        self._sweeper = sweeper
        self._hub = hub
        self._lease = lease
        self._last_success = time.monotonic()
        self._sweep_after = 0.0
        self.healthy = True

    @property
    def may_sweep(self) -> bool:
        """Not for one lease after an outage: others need the time to beat again, so
        that nobody is declared dead for the store's own silence."""
        return self.healthy and time.monotonic() >= self._sweep_after

    async def flush(self) -> None:
        """Send one beat with all news, in calls of at most BATCH sessions."""
        try:
            await self._flush(self._changed())
        except StoreUnavailable as error:
            self._failed(error)
            raise
        self._succeeded()

    def _changed(self) -> Callable[[], list[ConnectedSession]]:
        waiting = iter([s for s in self._hub.connected() if s.changed])
        return lambda: list(islice(waiting, BATCH))

    async def _flush(self, next_batch: Callable[[], list[ConnectedSession]]) -> None:
        batch = next_batch()
        while True:
            await self._beat([session for session in batch if not session.departed])
            batch = next_batch()
            if not batch:
                return

    async def _beat(self, batch: list[ConnectedSession]) -> None:
        now = time.monotonic()
        pulses = [self._pulse(session, now) for session in batch]
        patient = self._was_silent(now) or not self.may_sweep
        answer = await self._store.beat(self._hub.report(), pulses, suspend_lost=not patient)
        if not answer.renewed:  # news to the store: every session here is connected
            for session in self._hub.connected():
                session.changed = True
        self._hub.heed(answer)
        await self._sweeper.announce_suspended(answer.suspended)

    def _pulse(self, session: ConnectedSession, now: float) -> Pulse:
        session.changed = False
        return session.pulse(now)

    def _failed(self, error: StoreUnavailable) -> None:
        if self.healthy:
            logger.error("the store is unreachable: %s", error)
        self.healthy = False
        # Its answer may have said that the lease had lapsed: then it knows of nobody here.
        for session in self._hub.connected():
            session.changed = True

    def _was_silent(self, now: float) -> bool:
        """Whether nothing was heard of the store for so long that leases may have ended."""
        return now - self._last_success > self._lease / 2

    def _succeeded(self) -> None:
        now = time.monotonic()
        if not self.healthy:
            logger.warning("the store is back after %.1f s", now - self._last_success)
        if self._was_silent(now):
            self._sweep_after = now + self._lease
        self.healthy = True
        self._last_success = now
