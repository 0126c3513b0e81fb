"""The worker's beat to the store: it renews the lease, reports sessions and collects answers.

Invariants, :mod:`.reregistration` included:

1. A flush is one beat or more, of at most BATCH session updates each; every beat renews the lease.
2. Building an update clears the session's ``changed``. A flush that fails marks all sessions
   as changed again: an update may be sent twice, but never gets lost.
3. A beat that did not find its lease (``renewed`` is False) marks all sessions as changed: the
   next one reattaches those that the store has suspended meanwhile.
4. ``healthy`` turns False with the first flush that fails and True with the next that succeeds.
   Each change is logged once and sent to all clients once.
5. A worker neither sweeps nor suspends sessions of lost workers for one lease after an outage, a
   step of the store's clock or a change of incarnation: the others need that time to beat.
6. The disconnect queue is on hold from a failed flush, or the start of a re-registration, until a
   flush succeeds: an incarnation that does not know a session would ignore its disconnect.
7. An incarnation counts as known once all sessions here are registered with it. A failure in
   between starts the registration over with the next beat.
8. Sessions with a disconnect in flight are not registered: registered after it, they would stay.
9. The first answer of an incarnation may call sessions unknown: they are registered, not dropped.
   Sessions that were taken over are dropped with any incarnation.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable
from itertools import islice

from msgspec.structs import replace

from realtime.events.session_log import log_session
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.protocol.messages import Notice, ServerMessage
from realtime.store.contract import BATCH, Store, StoreUnavailable, StoreUnusable
from realtime.store.records import BeatAnswer, LossReason, SessionUpdate

from .cluster_check import ClusterCheck
from .disconnect_queue import DisconnectQueue
from .hub import Hub
from .reregistration import Reregistration
from .session import ConnectedSession
from .store_clock import StoreClock

logger = logging.getLogger("realtime.worker")

SENDS_PER_TURN = 200


class Beats:
    """Reports to the store; the ticker runs :meth:`flush` every FLUSH_INTERVAL.

    ``healthy`` is whether the last flush has succeeded, ``last_error`` why the last that
    failed did, in the store's words. ``on_recovery()`` is called when a flush succeeds after one
    that failed. ``leaves_process`` is whether the channel layer reaches other processes.
    ``registered()`` waits until no re-registration is under way.
    """

    def __init__(
        self,
        store: Store,
        dispatcher: SignalDispatcher,
        hub: Hub,
        disconnects: DisconnectQueue,
        *,
        lease: float,
        leaves_process: bool = True,
        on_recovery: Callable[[], object] = lambda: None,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._hub = hub
        self._disconnects = disconnects
        self._reregistration = Reregistration(store, hub, disconnects)
        self.registered = self._reregistration.wait_until_idle
        self._lease = lease
        self._on_recovery = on_recovery
        self._cluster_check = ClusterCheck(lease=lease, leaves_process=leaves_process)
        self._clock = StoreClock(tolerance=lease)
        self._last_success = time.monotonic()
        self._sweep_after = 0.0
        self.healthy = True
        self.last_error = ""

    def is_down(self) -> bool:
        """Whether the last flush has failed."""
        return not self.healthy

    @property
    def may_sweep(self) -> bool:
        """Whether this worker may sweep: it is healthy, and invariant 5 holds."""
        return self.healthy and time.monotonic() >= self._sweep_after

    def settled(self) -> str | None:
        """The store's incarnation, while this worker may sweep: the store has all sessions then.
        None otherwise."""
        return (self._reregistration.incarnation or None) if self.may_sweep else None

    async def flush(self) -> None:
        """Report all changed sessions. Raises what the store raises, after noting the failure."""
        try:
            if not self._reregistration.incarnation:
                await self._store.own()
            await self._beat_all()
        except Exception as error:  # a defect, too, keeps the store uninformed
            await self._on_failure(error)
            raise
        await self._on_success()

    async def _beat_all(self) -> None:
        changed = iter([session for session in self._hub.connected() if session.changed])
        await self._beat(list(islice(changed, BATCH)))
        while batch := list(islice(changed, BATCH)):
            await self._beat(batch)

    async def _beat(self, batch: list[ConnectedSession]) -> None:
        now = time.monotonic()
        updates = [self._take_update(each, now) for each in batch if not each.departed]
        spare_lost = self._was_silent(now) or not self.may_sweep
        answer = await self._store.beat(self._hub.report(), updates, suspend_lost=not spare_lost)
        if self._clock.was_set(answer.at):
            self._wait_a_lease()
        if not answer.renewed:
            self._mark_all_changed()
        if answer.incarnation != self._reregistration.incarnation:
            answer = await self._register_with(answer)
        self.apply(answer)

    def apply(self, answer: BeatAnswer) -> None:
        """Apply the store's answer: counts, close requests, lost and suspended sessions."""
        hub = self._hub
        hub.online, hub.workers = answer.online, answer.workers
        for request in answer.inbox:
            if here := hub.find(request.session, request.generation):
                hub.end(here, request.code, request.reason)
        hub.drop_lost(answer.lost)
        for session in answer.suspended:
            code, reason = session.end_code, session.end_reason
            log_session("suspended, its worker is lost", session, code=code, reason=reason)
        self._dispatcher.dispatch_suspended(answer.suspended)

    async def _register_with(self, answer: BeatAnswer) -> BeatAnswer:
        """Register all sessions with a new incarnation. Returns its answer without unknown ones."""
        if self._reregistration.incarnation:  # what it has kept may be old: as after an outage
            self._wait_a_lease()
            await self._store.own()
        await self._reregistration.register(answer.incarnation)
        taken_over = tuple(lost for lost in answer.lost if lost.reason is LossReason.TAKEN_OVER)
        return replace(answer, lost=taken_over)

    def _take_update(self, session: ConnectedSession, now: float) -> SessionUpdate:
        update = session.as_update(now)
        session.changed = session.rooms_changed = False
        return update

    def _mark_all_changed(self) -> None:
        for session in self._hub.connected():
            session.changed = session.rooms_changed = True

    def _wait_a_lease(self) -> None:
        self._sweep_after = time.monotonic() + self._lease

    async def _on_failure(self, error: Exception) -> None:
        self._mark_all_changed()  # the answer that is missing may have said that the lease lapsed
        self._disconnects.hold()
        self._disconnects.send_goodbyes()
        if not self._reregistration.incarnation:  # how long the store has been away is unknown
            self._sweep_after = math.inf
        self.last_error = str(error) or type(error).__name__
        if self.healthy:
            self.healthy = False
            logger.error(_sentence_of(error), self.last_error)
            await send_to_all(self._hub.connected(), Notice("degraded"))

    def _was_silent(self, now: float) -> bool:
        """Whether no beat has succeeded for so long that leases may have ended."""
        return now - self._last_success > self._lease / 2

    async def _on_success(self) -> None:
        now = time.monotonic()
        before, was_silent = self._last_success, self._was_silent(now)
        self._last_success = now
        if was_silent or self._sweep_after == math.inf:
            self._sweep_after = now + self._lease
        self._disconnects.release()
        if not self.healthy:
            self.healthy = True
            logger.warning("the store is back after %.1f s", now - before)
            await send_to_all(self._hub.connected(), Notice("ok"))
            self._on_recovery()
        self._cluster_check.update(self._hub.workers)


def _sentence_of(error: Exception) -> str:
    """The line of the log about a failed flush, with a place for the text of the error."""
    match error:
        case StoreUnusable():
            return "%s"
        case StoreUnavailable():
            return "the store is unreachable: %s"
        case _:
            return "reports to the store fail: %s"


async def send_to_all(sessions: Iterable[ConnectedSession], message: ServerMessage) -> None:
    """Send a message to all these sessions, SENDS_PER_TURN in one turn of the event loop."""
    for number, session in enumerate(list(sessions), start=1):
        if not session.departed:
            session.connection.send(message)
        if number % SENDS_PER_TURN == 0:
            await asyncio.sleep(0)
