"""Makes the parts of a worker from the settings, and connects them."""

import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from realtime import composition, signals
from realtime.bus.hints import HintKind
from realtime.bus.node import BusNode, leaves_process
from realtime.bus.publication_batches import PublicationBatch
from realtime.common.handler_threads import HandlerThreads
from realtime.conf import settings
from realtime.protocol.heartbeat import Policy
from realtime.store.contract import SAMPLE_EVERY_MS
from realtime.store.records import Deliveries, Session

from .admission import refusals
from .admission.handshake import ADMISSION_TIMEOUT, Admission
from .admission.login_store import LoginStore
from .admission.pending import ServerParams, SessionCallbacks
from .admission.probes import PROBE_INTERVAL, Probes, probe_capacity
from .admission.refusals import Reason
from .admission.ungreeted_limit import UngreetedLimit
from .connections.connection import FrameLimits
from .rooms.new_room_limit import NewRoomLimit
from .rooms.publisher import Publisher
from .rooms.rooms import AUDIT_INTERVAL, RECENT_INTERVAL, Rooms
from .sessions.beats import Beats
from .sessions.cluster_check import ClusterCheck
from .sessions.disconnect_queue import DisconnectQueue
from .sessions.hub import Hub, WorkerIdentity
from .sessions.jobs import Job
from .sessions.revalidation import Revalidation
from .sessions.ticker import Ticker, grain_for
from .statistics import Statistics

# A channel layer may forget its groups' members, so each worker joins again.
JOIN_INTERVAL = 10.0


class WorkerParts:
    """The parts of one worker, connected but not started; for the running event loop."""

    def __init__(self, context: composition.StoreContext) -> None:
        layer, lease = composition.channel_layer(), settings.lease
        self.context, self.store = context, context.store
        self.refusals = refusals.current()
        self.refusals.store_is_down = self._store_is_down
        self.refusals.probe_soon = lambda: self._probe_job.hasten(time.monotonic())
        self.frame_limits = _frame_limits()
        self.ungreeted = UngreetedLimit(settings.max_ungreeted)
        # Milliseconds from which clients choose when to come back after a drain.
        self.return_delay = (0, round(settings.drain_spread * 1000))
        self.login_store = LoginStore(
            context.threads.logins, self.refusals, timeout=settings.store_timeout
        )
        self.handler_threads = HandlerThreads(
            size=settings.handler_threads, timeout=ADMISSION_TIMEOUT
        )
        self.statistics = self._statistics()
        self.disconnects = DisconnectQueue(
            context.store,
            context.sweeper,
            context.dispatcher,
            worker=context.id,
            retry=settings.flush_interval,
        )
        # The beats log the store's failures themselves.
        self.flush_job = Job("flush", settings.flush_interval, self._flush, reported=lambda: True)
        self.sweep_job = self._store_job("sweep", settings.sweep_interval, self._sweep)
        self._probe_job = Job("probe", PROBE_INTERVAL, self._probes().run_round)
        self.bus = self._bus(layer)
        self.rooms = self._rooms()
        self.publisher = self._publisher()
        self.callbacks = self._callbacks()
        self.hub = self._hub()
        self.admission = self._admission()
        self.beats = Beats(self.store, context.dispatcher, self.hub, self.disconnects, lease=lease)
        self._cluster_check = ClusterCheck(lease=lease, leaves_process=leaves_process(layer))
        self.ticker = self.hub.ticker = self._ticker()

    # ------------------------------------------------------------ making them

    def _statistics(self) -> Statistics:
        return Statistics(
            refused=self.refusals.totals,
            handler_threads=self.handler_threads.counters,
            signals=self.context.dispatcher.counters,
        )

    def _bus(self, layer: Any) -> BusNode:
        return BusNode(
            layer,
            composition.signer(),
            prefix=settings.redis_prefix,
            mark_changed=self._mark_changed,
            flush_at=self.flush_job.hasten,
            on_publication=self._on_publication,
            counters=self.statistics.bus,
        )

    def _rooms(self) -> Rooms:
        per_minute, burst = settings.new_room_rate
        return Rooms(
            self.store.log,
            on_open=self.bus.subscribe,
            on_close=self.bus.unsubscribe,
            new_rooms=NewRoomLimit(per_minute / 60, burst),
        )

    def _publisher(self) -> Publisher:
        counters = self.statistics.from_threads
        return Publisher(self.store.log, self.rooms, self.bus.announce, counters)

    def _callbacks(self) -> SessionCallbacks:
        dispatcher = self.context.dispatcher

        def resumed(session: Session) -> None:
            """Have the worker that had the session until now end its connection at once."""
            self.bus.notify(HintKind.RESUMED, [session.id])
            dispatcher.dispatch_session(signals.session_resumed, session)

        return SessionCallbacks(
            opened=partial(dispatcher.dispatch_session, signals.session_opened),
            resumed=resumed,
            joined=partial(dispatcher.dispatch_rooms, signals.room_joined),
            left=partial(dispatcher.dispatch_rooms, signals.room_left),
        )

    def _hub(self) -> Hub:
        return Hub(
            WorkerIdentity(self.context.id, socket.gethostname(), os.getpid()),
            self.disconnects,
            deliveries=self._deliveries,
            return_delay=self.return_delay,
        )

    def _admission(self) -> Admission:
        policy = Policy(
            ping_interval=settings.ping_interval,
            pong_timeout=settings.pong_timeout,
            max_missed=settings.max_missed,
            session_timeout=settings.session_timeout,
        )
        return Admission(
            self.hub,
            self.store,
            self.disconnects,
            self.rooms,
            self.callbacks,
            params=ServerParams(
                policy, settings.resume_window, settings.max_message_size, settings.max_publication
            ),
            limit=composition.session_limit(),
        )

    def _probes(self) -> Probes:
        always = {Reason.STORE: self.store.probe}
        return Probes(self.refusals, always=always, failing={Reason.CAPACITY: self._probe_capacity})

    def _ticker(self) -> Ticker:
        logins = Revalidation(self.hub, self.login_store.ended_logins)
        jobs = [
            self.flush_job,
            self.sweep_job,
            self._store_job("logins", settings.revalidate_interval, logins.revalidate),
            self.login_store.job,
            self._store_job("sample", SAMPLE_EVERY_MS / 1000, self.store.sample),
            self._store_job("audit", AUDIT_INTERVAL, self.rooms.audit),
            self._store_job("news", RECENT_INTERVAL, self.rooms.poll_recent),
            Job("join", JOIN_INTERVAL, self.bus.rejoin),
            self._probe_job,
        ]
        return Ticker(
            jobs,
            tick_session=self.hub.tick,
            sessions=self.hub.connected,
            max_delay=settings.pong_timeout / 2,
            grain=grain_for(settings.pong_timeout),
            counters=self.statistics.ticks,
        )

    def _store_job(self, name: str, interval: float, work: Callable[[], Awaitable[object]]) -> Job:
        """A job that needs the store: its failures are not logged while the store is away."""
        return Job(name, interval, work, reported=self._store_is_down)

    # ------------------------------------------------------------ what they call

    def _store_is_down(self) -> bool:
        return not self.beats.healthy

    def _mark_changed(self, sessions: Sequence[str]) -> bool:
        return self.hub.mark_changed(sessions)

    def _on_publication(self, batch: PublicationBatch) -> None:
        self.publisher.on_publication(batch)

    def _deliveries(self) -> Deliveries:
        return replace(self.rooms.deliveries, published=self.publisher.published)

    async def _flush(self) -> None:
        was_down = not self.beats.healthy
        await self.beats.flush()
        if was_down:
            self.refusals.store_recovered()
        self._cluster_check.update(self.hub.workers)

    async def _probe_capacity(self) -> None:
        logins = self.context.threads.logins
        await probe_capacity(self.admission.wait_for_slot, logins, self.handler_threads)

    async def _sweep(self) -> None:
        if self.beats.may_sweep:
            await self.context.sweeper.sweep()


def _frame_limits() -> FrameLimits:
    s = settings
    return FrameLimits(s.max_message_size, *s.message_rate, s.max_publication, *s.byte_rate)
