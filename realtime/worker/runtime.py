"""Composition: the parts of a worker, put together from the settings, once per process.

A runtime belongs to one event loop. It is made by ``start()``, from ``serve`` or from
the first connection, so its id is made after the fork.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from functools import partial, wraps
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.dispatch import Signal
from msgspec.structs import replace

from realtime import composition, signals
from realtime.bus.hints import HintKind
from realtime.bus.node import BusNode, leaves_process
from realtime.bus.publication_batches import PublicationBatch
from realtime.common.handler_threads import HandlerThreads
from realtime.conf import settings
from realtime.protocol.codes import CloseCode
from realtime.protocol.heartbeat import Policy
from realtime.security.authentication import Login
from realtime.store.contract import SAMPLE_EVERY_MS, StoreUnavailable
from realtime.store.ownership import ForeignStore
from realtime.store.records import Deliveries, Session

from .admission import probes, refusals
from .admission.handshake import PATIENCE, Admission, ServerParams, SessionCallbacks
from .admission.login_store import LoginStore
from .admission.probes import Probes
from .admission.refusals import Reason
from .admission.ungreeted import UngreetedLimit
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

logger = logging.getLogger("realtime.worker")

# A drain takes at most five seconds. 2.8 of them are these, one after the other: until the store
# knows who left, until goodbyes are written, until the lease is given back (and beside it all
# that is said to the channel layer), until the history of those who ended is written, until
# receivers have heard. Then twice CLOSE_PATIENCE, for the store and for threads.
STORE_PATIENCE, WRITE_PATIENCE, LEAVE_PATIENCE = 1.0, 0.5, 0.7
HISTORY_PATIENCE, SIGNAL_PATIENCE = 0.3, 0.3

# A channel layer may forget who listens, so each worker says it again.
JOIN_EVERY = 10.0


class Runtime:
    """One worker: hub, ticker, beats, sweeps.

    ``draining`` once the end is planned, ``closing`` once goodbyes are said: in
    between, everybody is still served.
    """

    def __init__(self, base: composition.StoreContext) -> None:
        self.base = base
        self.store = base.store
        self.loop = asyncio.get_running_loop()
        self.pid = os.getpid()
        self.limits = FrameLimits(
            settings.max_message_size,
            *settings.message_rate,
            settings.max_publication,
            *settings.byte_rate,
        )
        self.ungreeted = UngreetedLimit(settings.max_ungreeted)
        self.draining = self.closing = False
        # The window from which returning clients pick their moment after a drain.
        self.return_delay = (0, round(settings.drain_spread * 1000))
        self.refusals = refusals.here()
        self.statistics = Statistics(refused=self.refusals.totals)
        self.refusals.store_is_away = self._store_is_away
        self.refusals.hasten = lambda: self._probing.hasten(time.monotonic())
        self.login_store = LoginStore(
            base.threads.logins, self.refusals, timeout=settings.store_timeout
        )
        self.lender = HandlerThreads(size=settings.handler_threads, patience=PATIENCE)
        self._disconnects = DisconnectQueue(
            base.store, base.sweeper, base.dispatcher, worker=base.id, retry=settings.flush_interval
        )
        self._flush = Job("flush", settings.flush_interval, self._report, reported=_always)
        self._sweeps = self._job("sweep", settings.sweep_interval, self._sweep)
        self._probing = Job("probe", probes.EVERY, self._make_probes().round)
        layer = composition.channel_layer()
        self._messenger = self._make_messenger(layer)
        per_minute, burst = settings.new_room_rate
        self.rooms = Rooms(
            base.store.log,
            on_open=self._messenger.subscribe,
            on_close=self._messenger.unsubscribe,
            new_rooms=NewRoomLimit(per_minute / 60, burst),
        )
        self.publisher = Publisher(base.store.log, self.rooms, self._messenger.announce)
        self.watchers = SessionCallbacks(
            opened=partial(self._announce, signals.session_opened),
            resumed=self._resumed,
            joined=partial(self._announce_rooms, signals.room_joined),
            left=partial(self._announce_rooms, signals.room_left),
        )
        self.hub = self._make_hub()
        self.admission = self._make_admission()
        self.beats = Beats(
            base.store, base.dispatcher, self.hub, self._disconnects, lease=settings.lease
        )
        self._cluster_check = ClusterCheck(
            lease=settings.lease, leaves_process=leaves_process(layer)
        )
        self.ticker = self.hub.ticker = self._make_ticker()

    def _make_hub(self) -> Hub:
        identity = WorkerIdentity(self.base.id, socket.gethostname(), os.getpid())
        return Hub(
            identity, self._disconnects, deliveries=self._deliveries, return_delay=self.return_delay
        )

    def _make_admission(self) -> Admission:
        policy = Policy(
            ping_interval=settings.ping_interval,
            pong_timeout=settings.pong_timeout,
            max_missed=settings.max_missed,
            session_timeout=settings.session_timeout,
        )
        return Admission(
            self.hub,
            self.base.store,
            self._disconnects,
            self.rooms,
            self.watchers,
            terms=ServerParams(
                policy,
                settings.resume_window,
                settings.max_message_size,
                settings.max_publication,
            ),
            cap=composition.session_limit(),
        )

    def _job(self, name: str, interval: float, work: Callable[[], Awaitable[object]]) -> Job:
        """A job that needs the store: while that is away, its failures are no news."""
        return Job(name, interval, work, reported=self._store_is_away)

    def _make_probes(self) -> Probes:
        always = {Reason.STORE: self.store.probe}
        return Probes(self.refusals, always=always, failing={Reason.CAPACITY: self._probe_room})

    def _store_is_away(self) -> bool:
        return not self.beats.healthy

    def _make_messenger(self, layer: Any) -> BusNode:
        return BusNode(
            layer,
            composition.signer(),
            prefix=settings.redis_prefix,
            mark_changed=self._mark_changed,
            flush_at=self._flush.hasten,
            on_publication=self._on_publication,
        )

    def _mark_changed(self, sessions: Sequence[str]) -> bool:
        return self.hub.mark_changed(sessions)

    def _on_publication(self, batch: PublicationBatch) -> None:
        self.publisher.on_publication(batch)

    def _make_ticker(self) -> Ticker:
        logins = Revalidation(self.hub, self.login_store.verdicts)
        jobs = [
            self._flush,
            self._sweeps,
            self._job("logins", settings.revalidate_interval, logins.revalidate),
            self.login_store.job,
            self._job("sample", SAMPLE_EVERY_MS / 1000, self.store.sample),
            self._job("audit", AUDIT_INTERVAL, self.rooms.audit),
            self._job("news", RECENT_INTERVAL, self.rooms.poll_recent),
            Job("join", JOIN_EVERY, self._messenger.rejoin),
            self._probing,
        ]
        return Ticker(
            jobs,
            tick_session=self.hub.tick,
            sessions=self.hub.connected,
            max_delay=settings.pong_timeout / 2,
            grain=grain_for(settings.pong_timeout),
        )

    # ------------------------------------------------------------ work

    def _deliveries(self) -> Deliveries:
        return replace(self.rooms.deliveries, published=self.publisher.published)

    async def _report(self) -> None:
        was_away = not self.beats.healthy
        await self.beats.flush()
        if was_away:
            self.refusals.store_is_back()
        self._cluster_check.update(self.hub.workers)

    async def _sweep(self) -> None:
        if self.beats.may_sweep:
            await self.base.sweeper.sweep()

    async def login(self, key: str) -> Login:
        """The login behind a session key. Raises StoreUnavailable if it cannot be known."""
        return await self.login_store.login(key)

    async def verdict(self, login: Login) -> CloseCode | None:
        """The code to close with if the login no longer stands. Raises StoreUnavailable
        if it cannot be known."""
        return (await self.login_store.verdicts([login])).get(login)

    async def _probe_room(self) -> None:
        threads = self.base.threads.logins
        await probes.find_room(self.admission.wait_for_a_turn, threads, self.lender)

    def _resumed(self, record: Session) -> None:
        """Whoever had it until now shall hear of it."""
        self._messenger.notify(HintKind.RESUMED, [record.id])
        self._announce(signals.session_resumed, record)

    def _announce(self, signal: Signal, record: Session) -> None:
        if signal.has_listeners():
            self.base.dispatcher.dispatch(record.id, partial(signals.announce, signal, [record]))

    def _announce_rooms(self, signal: Signal, record: Session, rooms: Iterable[str]) -> None:
        names = tuple(rooms)
        if names and signal.has_listeners():
            announce = partial(signals.announce_rooms, signal, record, names)
            self.base.dispatcher.dispatch(record.id, announce)

    def tell(self, kind: HintKind, sessions: Iterable[str]) -> bool:
        """Tell all workers of these sessions; False if this one has ended. From any thread."""
        if self.loop.is_closed():
            return False
        self.loop.call_soon_threadsafe(self._messenger.notify, kind, sessions)
        return True

    def announce(self, batches: Sequence[PublicationBatch], *, timeout: float) -> bool:
        """Tell everybody of what this process has published; False if this worker has ended.

        From any thread, see :meth:`.Publisher.announce_from_thread`.
        """
        if self.loop.is_closed():
            return False
        with suppress(RuntimeError):  # it has closed in this moment
            self.publisher.announce_from_thread(batches, timeout=timeout)
        return True

    def nudge(self) -> None:
        """Flush and sweep soon: somebody was asked to leave, connected or suspended.

        From any thread.
        """
        if not self.loop.is_closed():  # a loop that ended without a stop has nobody to tell
            self.loop.call_soon_threadsafe(self._nudge)

    def _nudge(self) -> None:
        now = time.monotonic()
        self._flush.schedule(now, soon=True)
        self._sweeps.schedule(now, soon=True)

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Take the lease and begin to tick. With the store out of reach, tick all the same.

        Raises ForeignStore, before anything has begun.
        """
        await self._own()
        self.ticker.start()
        self._messenger.start()
        with suppress(StoreUnavailable, DatabaseError):  # the beats have said so
            await self.beats.flush()

    async def _own(self) -> None:
        try:
            await self.store.own()
        except ForeignStore:
            raise
        except (StoreUnavailable, DatabaseError):
            pass  # an outage, or tables that are not there yet: the first beat will say so

    @property
    def alive(self) -> bool:
        """Whether the ticker has ticked lately."""
        return time.monotonic() - self.ticker.last_tick < 5.0

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome: a store that beats well may still take no
        session, as when its memory is full."""
        takes = self.beats.healthy and not self.refusals.fails(Reason.STORE)
        return self.alive and not self.draining and takes

    @property
    def failing(self) -> dict[str, str]:
        """What newcomers would be refused for now (store, login_store, capacity), each with the
        words of its cause."""
        away = {} if self.beats.healthy else {Reason.STORE.value: self.beats.last_error}
        return {**away, **self.refusals.failing}

    def begin_drain(self) -> None:
        """From now on not ready; everything else goes on."""
        self.draining = True

    async def drain(self) -> None:
        """Say goodbye to everybody, their sessions suspended, and give the lease back."""
        self.begin_drain()
        self.closing = True
        leaving = self.hub.end_all()
        await self._disconnects.settle(STORE_PATIENCE)
        self._disconnects.send_goodbyes()
        flushes = [asyncio.ensure_future(session.connection.flush()) for session in leaving]
        if flushes:
            await asyncio.wait(flushes, timeout=WRITE_PATIENCE)
        await self.stop()

    async def stop(self) -> None:
        """End all tasks, give the lease back, release threads and connections."""
        await self.ticker.stop()
        await self._disconnects.stop()
        await self.rooms.stop()
        await asyncio.gather(self._messenger.stop(), self._leave())
        await asyncio.gather(self.lender.aclose(), self.base.aclose())
        self._be_forgotten()

    def _be_forgotten(self) -> None:
        """Let the loop have another worker. That a start has failed is remembered, with what
        it has cost."""
        starting = _runtimes.get(self.loop)
        if starting is None or starting.done():
            refusals.forget()
            _runtimes.pop(self.loop, None)

    async def _leave(self) -> None:
        """Give the lease back, and see to its end what is under way."""
        await self._give_lease_back()
        await self.base.sweeper.settle(HISTORY_PATIENCE)
        await self.base.sweeper.stop()
        await self.base.dispatcher.settle(within=SIGNAL_PATIENCE)

    async def _give_lease_back(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_PATIENCE):
                suspended = await self.store.leave(self.base.id)
                self.base.dispatcher.dispatch_suspended(suspended)
        except (StoreUnavailable, TimeoutError):
            logger.warning("left without the store, which did not answer; the lease will run out")


def _always() -> bool:
    """The beats log failures of the store themselves."""
    return True


_runtimes: "WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[Runtime]]" = (
    WeakKeyDictionary()
)


async def start() -> Runtime:
    """The running loop's runtime, made and started if there is none.

    Raises what its start raises; the next call then tries again.
    """
    loop = asyncio.get_running_loop()
    starting = _runtimes.get(loop)
    if starting is None or _has_failed(starting):
        starting = _runtimes[loop] = loop.create_task(_start(), name="realtime-start")
    return await asyncio.shield(starting)


def _has_failed(starting: "asyncio.Future[Runtime]") -> bool:
    return starting.done() and (starting.cancelled() or starting.exception() is not None)


async def can_start() -> bool:
    """Whether who connects finds a worker in the running loop, as far as is known: after a
    start that has failed another one is tried."""
    starting = _runtimes.get(asyncio.get_running_loop())
    if starting is None or not _has_failed(starting):
        return True
    try:
        await start()
    except Exception:  # the first one has told who asked
        return False
    return True


async def _start() -> Runtime:
    runtime = Runtime(composition.build())
    try:
        await runtime.start()
    except BaseException:
        with suppress(Exception):  # what it failed of may fail its end, too
            await runtime.stop()
        raise
    return runtime


def running() -> list[Runtime]:
    """The runtimes of this process: one in a server, none in a command, nor in a process that
    a server has forked."""
    done = [future for future in _runtimes.values() if future.done() and not future.cancelled()]
    found = [future.result() for future in done if future.exception() is None]
    return [runtime for runtime in found if runtime.pid == os.getpid()]


def here() -> Runtime | None:
    """The running loop's runtime, if it has started."""
    starting = _runtimes.get(asyncio.get_running_loop())
    if starting is None or not starting.done() or _has_failed(starting):
        return None
    return starting.result()


def with_threads(application: Any) -> Any:
    """An ASGI application whose sync code borrows a thread of the worker's for each call."""

    @wraps(application)
    async def wrapped(*arguments: Any) -> None:
        worker = here()
        with worker.lender.around() if worker else nullcontext():
            await application(*arguments)

    return wrapped
