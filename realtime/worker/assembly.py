"""Makes each part of a worker from the settings; :class:`.Runtime` connects them."""

import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from realtime import composition, signals
from realtime.bus.counters import BusCounters
from realtime.bus.hints import HintKind
from realtime.bus.node import BusNode, leaves_process
from realtime.common.handler_threads import HandlerThreads
from realtime.composition import StoreContext
from realtime.conf import settings
from realtime.ending.sweeper import Sweeper
from realtime.events.signal_dispatch import SignalDispatcher
from realtime.protocol.heartbeat import Policy
from realtime.store.contract import SAMPLE_EVERY_MS, Store
from realtime.store.log import Log
from realtime.store.records import Session

from .admission.admission import Admission, ServerParams, SessionCallbacks
from .admission.identification import ADMISSION_TIMEOUT, Identification
from .admission.login_checks import LoginChecks
from .admission.login_renewal import LoginRenewal
from .admission.login_store import LoginStore
from .admission.probes import PROBE_INTERVAL, Probes, probe_capacity
from .admission.refusals import Reason, Refusals
from .admission.ungreeted_limit import UngreetedLimit
from .connections.connection import FrameLimits
from .rooms.new_room_limit import NewRoomLimit
from .rooms.presence import POLL_INTERVAL, Presences
from .rooms.publisher import Publisher
from .rooms.rooms import AUDIT_INTERVAL, RECENT_INTERVAL, Rooms
from .sessions.beats import Beats
from .sessions.disconnect_queue import DisconnectQueue
from .sessions.hub import Hub, WorkerIdentity
from .sessions.jobs import Job
from .sessions.revalidation import Revalidation
from .sessions.ticker import Ticker, grain_for
from .statistics import TickCounters

# A channel layer may forget its groups' members, so each worker joins again.
JOIN_INTERVAL = 10.0


def frame_limits() -> FrameLimits:
    """The limits of each connection."""
    s = settings
    return FrameLimits(s.max_message_size, *s.message_rate, s.max_publication, *s.byte_rate)


def ungreeted_limit() -> UngreetedLimit:
    """The limit of connections that have not said hello."""
    return UngreetedLimit(settings.max_ungreeted)


def handler_threads() -> HandlerThreads:
    """The threads of the application's handlers."""
    return HandlerThreads(size=settings.handler_threads, timeout=ADMISSION_TIMEOUT)


def login_checks(logins: LoginStore, threads: HandlerThreads) -> LoginChecks:
    """The checks of logins: in their store, or by the application."""
    return LoginChecks(logins.ended_logins, threads)


def renewal(store: Store, hub: Hub, admission: Admission, beats: Beats) -> LoginRenewal:
    """The way to a new login of a connected session."""
    return LoginRenewal(hub, store, admission.identification, registered=beats.registered)


def login_store(context: StoreContext, refusals: Refusals) -> LoginStore:
    """The project's logins."""
    return LoginStore(context.threads.logins, refusals, timeout=settings.store_timeout)


def bus(counters: BusCounters) -> BusNode:
    """The worker's end of the channel layer."""
    prefix = settings.redis_prefix
    return BusNode(
        composition.channel_layer(), composition.signer(), prefix=prefix, counters=counters
    )


def presences(store: Store) -> Presences:
    """The presence of rooms, for the clients that have asked."""
    return Presences(store.presence)


def rooms(log: Log, bus: BusNode, presences: Presences) -> Rooms:
    """The rooms; the bus subscribes to those that exist."""
    per_minute, burst = settings.new_room_rate
    return Rooms(
        log,
        on_open=bus.subscribe,
        on_close=bus.unsubscribe,
        on_leave=presences.forget,
        new_rooms=NewRoomLimit(per_minute / 60, burst),
    )


def disconnects(context: StoreContext) -> DisconnectQueue:
    """The queue of connections that have ended."""
    return DisconnectQueue(
        context.store,
        context.sweeper,
        context.dispatcher,
        worker=context.id,
        retry=settings.flush_interval,
    )


def hub(context: StoreContext, disconnects: DisconnectQueue, publisher: Publisher) -> Hub:
    """The hub of this process; it has no ticker yet."""
    return Hub(
        WorkerIdentity(context.id, socket.gethostname(), os.getpid()),
        disconnects,
        deliveries=publisher.deliveries,
        return_delay=(0, round(settings.drain_spread * 1000)),
    )


def callbacks(dispatcher: SignalDispatcher, bus: BusNode) -> SessionCallbacks:
    """The signals that sessions cause when they begin, join and leave."""

    def resumed(session: Session) -> None:
        """Have the worker that had the session until now end its connection at once."""
        bus.notify(HintKind.RESUMED, [session.id])
        dispatcher.dispatch_session(signals.session_resumed, session)

    return SessionCallbacks(
        opened=partial(dispatcher.dispatch_session, signals.session_opened),
        resumed=resumed,
        joined=partial(dispatcher.dispatch_rooms, signals.room_joined),
        left=partial(dispatcher.dispatch_rooms, signals.room_left),
    )


def admission(
    store: Store,
    hub: Hub,
    disconnects: DisconnectQueue,
    rooms: Rooms,
    callbacks: SessionCallbacks,
    *,
    checks: LoginChecks,
) -> Admission:
    """The way from hello to welcome."""
    policy = Policy(
        ping_interval=settings.ping_interval,
        pong_timeout=settings.pong_timeout,
        max_missed=settings.max_missed,
        session_timeout=settings.session_timeout,
    )
    return Admission(
        hub,
        store,
        disconnects,
        rooms,
        callbacks,
        identification=Identification(checks.ended_logins, settings.allow_anonymous),
        params=ServerParams(
            policy,
            settings.resume_window,
            settings.max_message_size,
            settings.max_publication,
            message_rate=max(1, int(settings.message_rate[0])),
        ),
        limit=composition.session_limit(),
    )


def beats(
    context: StoreContext, hub: Hub, disconnects: DisconnectQueue, refusals: Refusals
) -> Beats:
    """The reports to the store."""
    return Beats(
        context.store,
        context.dispatcher,
        hub,
        disconnects,
        lease=settings.lease,
        leaves_process=leaves_process(composition.channel_layer()),
        on_recovery=refusals.store_recovered,
    )


# ---------------------------------------------------------------- jobs


def flush_job(beats: Beats) -> Job:
    """The flush; the beats log the store's failures themselves."""
    return Job("flush", settings.flush_interval, beats.flush, reported=lambda: True)


def sweep_job(sweeper: Sweeper, beats: Beats) -> Job:
    """The sweep, while this worker may sweep."""

    async def sweep() -> None:
        if beats.may_sweep:
            await sweeper.sweep()

    return _store_job("sweep", settings.sweep_interval, sweep, beats)


def probe_job(
    context: StoreContext, refusals: Refusals, admission: Admission, threads: HandlerThreads
) -> Job:
    """The probes of what new connections need, besides logins."""
    capacity = partial(probe_capacity, admission.limiter, context.threads.logins, threads)
    always, failing = {Reason.STORE: context.store.probe}, {Reason.CAPACITY: capacity}
    return Job("probe", PROBE_INTERVAL, Probes(refusals, always=always, failing=failing).run_round)


def other_jobs(
    store: Store,
    hub: Hub,
    rooms: Rooms,
    beats: Beats,
    *,
    logins: LoginStore,
    checks: LoginChecks,
    bus: BusNode,
    presences: Presences,
) -> list[Job]:
    """The jobs that nothing but the clock starts, and the login store's."""
    revalidate = Revalidation(hub, checks.ended_logins).revalidate
    return [
        _store_job("logins", settings.revalidate_interval, revalidate, beats),
        logins.job,
        _store_job("sample", SAMPLE_EVERY_MS / 1000, store.sample, beats),
        _store_job("audit", AUDIT_INTERVAL, rooms.audit, beats),
        _store_job("news", RECENT_INTERVAL, rooms.poll_recent, beats),
        _store_job("presence", POLL_INTERVAL, presences.poll, beats),
        Job("join", JOIN_INTERVAL, bus.rejoin),
    ]


def _store_job(
    name: str, interval: float, work: Callable[[], Awaitable[object]], beats: Beats
) -> Job:
    """A job that needs the store: its failures are not logged while the store is away."""
    return Job(name, interval, work, reported=beats.is_down)


def ticker(hub: Hub, jobs: list[Job], counters: TickCounters) -> Ticker:
    """The ticker of the hub's sessions and these jobs."""
    return Ticker(
        jobs,
        tick_session=hub.tick,
        sessions=hub.connected,
        max_delay=settings.pong_timeout / 2,
        grain=grain_for(settings.pong_timeout),
        counters=counters,
    )
