"""The worker's beat to the store: its lease, its sessions' news, its inbox."""

import logging
import math
import time
from collections.abc import Callable
from itertools import islice

from msgspec.structs import replace

from realtime.events.session_log import log_session
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.protocol.messages import Notice
from realtime.store.contract import BATCH, Store, StoreUnavailable
from realtime.store.records import BeatAnswer, LossReason, SessionUpdate

from .departures import DisconnectQueue
from .hub import Hub
from .notices import tell_all
from .registering import Reregistration
from .session import ConnectedSession
from .store_clock import StoreClock

logger = logging.getLogger("realtime.worker")


class Beats:
    """Flushes what has changed, with every flush renewing the lease.

    ``healthy`` is False from the first beat that fails until one succeeds; each
    change is logged once, and every client is told.
    """

    def __init__(
        self,
        store: Store,
        receivers: SignalDispatcher,
        hub: Hub,
        departures: DisconnectQueue,
        *,
        lease: float,
    ) -> None:
        self._store = store
        self._receivers = receivers
        self._hub = hub
        self._departures = departures
        self._registering = Reregistration(store, hub, departures)
        self._lease = lease
        self._clock = StoreClock(overlooked=lease)
        self._last_success = time.monotonic()
        self._sweep_after = 0.0
        self.healthy = True
        self.trouble = ""  # why it is not, in the store's words

    @property
    def may_sweep(self) -> bool:
        """Not for one lease after an outage: others need the time to beat again, so
        that nobody is declared dead for the store's own silence."""
        return self.healthy and time.monotonic() >= self._sweep_after

    async def flush(self) -> None:
        """Send one beat with all news, in calls of at most BATCH sessions."""
        try:
            if not self._registering.incarnation:
                await self._store.own()
            await self._flush(self._changed())
        except Exception as error:  # whatever it is, the store has not heard from here
            await self._failed(error)
            raise
        await self._succeeded()

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
        if self._clock.was_set(answer.at):  # as after an outage
            self._sweep_after = time.monotonic() + self._lease
        if not answer.renewed:  # news to the store: every session here is connected
            self._report_everybody()
        if answer.incarnation != self._registering.incarnation:
            answer = await self._introduce(answer)
        self._hub.heed(answer)
        for session in answer.suspended:
            code, reason = session.end_code, session.end_reason
            log_session("suspended, its worker is lost", session, code=code, reason=reason)
        self._receivers.tell_suspended(answer.suspended)

    async def _introduce(self, answer: BeatAnswer) -> BeatAnswer:
        """Make the sessions here known to a store that is not the one of the last beat."""
        if self._registering.incarnation:  # what it has kept may be old: as after an outage
            self._sweep_after = time.monotonic() + self._lease
            await self._store.own()
        await self._registering.register(answer.incarnation)
        taken_over = tuple(lost for lost in answer.lost if lost.loss is LossReason.TAKEN_OVER)
        return replace(answer, lost=taken_over)

    def _pulse(self, session: ConnectedSession, now: float) -> SessionUpdate:
        pulse = session.pulse(now)
        session.changed = session.moved = False
        return pulse

    def _report_everybody(self) -> None:
        for session in self._hub.connected():
            session.changed = session.moved = True

    async def _failed(self, error: Exception) -> None:
        # Its answer may have said that the lease had lapsed: then it knows of nobody here.
        self._report_everybody()
        self._departures.hold()
        self._departures.say_goodbyes()
        if not self._registering.incarnation:  # away since nobody here knows when
            self._sweep_after = math.inf
        self.trouble = str(error) or type(error).__name__
        if self.healthy:
            self.healthy = False
            away = isinstance(error, StoreUnavailable)
            what = "the store is unreachable" if away else "reports to the store fail"
            logger.error("%s: %s", what, self.trouble)
            await tell_all(self._hub.connected(), Notice("degraded"))

    def _was_silent(self, now: float) -> bool:
        """Whether nothing was heard of the store for so long that leases may have ended."""
        return now - self._last_success > self._lease / 2

    async def _succeeded(self) -> None:
        now = time.monotonic()
        before, was_silent = self._last_success, self._was_silent(now)
        self._last_success = now
        if was_silent or self._sweep_after == math.inf:
            self._sweep_after = now + self._lease
        self._departures.release()
        if not self.healthy:
            self.healthy = True
            logger.warning("the store is back after %.1f s", now - before)
            await tell_all(self._hub.connected(), Notice("ok"))
