"""A worker's life: it starts, serves, drains and stops, in one event loop."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError

from realtime.composition import StoreContext
from realtime.store.contract import StoreUnavailable
from realtime.store.ownership import ForeignStore

from . import assembly
from .admission import refusals
from .admission.refusals import Reason
from .rooms.publisher import Publisher
from .sessions.ticker import Ticker
from .statistics import Statistics

logger = logging.getLogger("realtime.worker")

# A drain takes at most five seconds. These are 2.8 of them, one after the other: until the store
# knows the disconnects, until goodbyes are written, until the lease is given back (and beside it
# the channel layer's commands), until the history of ended sessions is written, until receivers
# have their signals. Then twice CLOSE_TIMEOUT, for the store and for threads.
STORE_TIMEOUT, WRITE_TIMEOUT, LEAVE_TIMEOUT = 1.0, 0.5, 0.7
HISTORY_TIMEOUT, SIGNAL_TIMEOUT = 0.3, 0.3


class Runtime:
    """One worker, for the running event loop. ``on_stop()`` is called at its end.

    Set ``draining`` once the end is planned: the worker is no longer ready, but still serves
    every connection, until goodbyes are sent (``closing``).
    """

    def __init__(self, context: StoreContext, *, on_stop: Callable[[], None]) -> None:
        self.context, self.store = context, context.store
        self._on_stop = on_stop
        self.loop, self.pid = asyncio.get_running_loop(), os.getpid()
        self.draining = self.closing = False
        self.refusals = refusals.current()
        self.frame_limits = assembly.frame_limits()
        self.ungreeted = assembly.ungreeted_limit()
        self.handler_threads = assembly.handler_threads()
        self.statistics = Statistics(
            refused=self.refusals.totals,
            handler_threads=self.handler_threads.counters,
            signals=context.dispatcher.counters,
        )
        self.login_store = assembly.login_store(context, self.refusals)
        self.login_checks = assembly.login_checks(self.login_store, self.handler_threads)
        self.bus = assembly.bus(self.statistics.bus)
        self.presences = assembly.presences(self.store)
        self.rooms = assembly.rooms(self.store.log, self.bus, self.presences)
        self.publisher = Publisher(
            self.store.log, self.rooms, self.bus.announce, self.statistics.from_threads
        )
        self.disconnects = assembly.disconnects(context)
        self.hub = assembly.hub(context, self.disconnects, self.publisher)
        self.return_delay = self.hub.return_delay
        self.callbacks = assembly.callbacks(context.dispatcher, self.bus)
        self.admission = assembly.admission(
            self.store,
            self.hub,
            self.disconnects,
            self.rooms,
            self.callbacks,
            checks=self.login_checks,
        )
        self.beats = assembly.beats(context, self.hub, self.disconnects, self.refusals)
        self.renewal = assembly.renewal(self.store, self.hub, self.admission, self.beats)
        self.refusals.store_is_down = self.beats.is_down
        self.flush_job = assembly.flush_job(self.beats)
        self.sweep_job = assembly.sweep_job(context.sweeper, self.beats)
        self.ticker = self.hub.ticker = self._ticker()

    def _ticker(self) -> Ticker:
        probe_job = assembly.probe_job(
            self.context, self.refusals, self.admission, self.handler_threads
        )
        self.presences.settled = self.beats.settled
        self.refusals.probe_soon = lambda: probe_job.hasten(time.monotonic())
        others = assembly.other_jobs(
            self.store,
            self.hub,
            self.rooms,
            self.beats,
            logins=self.login_store,
            checks=self.login_checks,
            bus=self.bus,
            presences=self.presences,
        )
        jobs = [self.flush_job, self.sweep_job, *others, probe_job]
        return assembly.ticker(self.hub, jobs, self.statistics.ticks)

    # ------------------------------------------------------------ start and health

    async def start(self) -> None:
        """Take the lease and begin to tick. If the store is out of reach, tick all the same.

        Raises ForeignStore, before anything has begun.
        """
        try:
            await self.store.own()
        except ForeignStore:
            raise
        except (StoreUnavailable, DatabaseError):
            pass  # an outage, or tables that do not exist yet: the first beat logs it
        self.ticker.start()
        self.bus.start(
            mark_changed=self.hub.mark_changed,
            flush_at=self.flush_job.hasten,
            on_publication=self.rooms.on_publication,
        )
        with suppress(StoreUnavailable, DatabaseError):  # logged by the beats
            await self.beats.flush()

    @property
    def alive(self) -> bool:
        """Whether the ticker has ticked lately."""
        return time.monotonic() - self.ticker.last_tick < 5.0

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome. A store that takes beats may still take no new
        session, as when its memory is full."""
        takes = self.beats.healthy and not self.refusals.is_failing(Reason.STORE)
        return self.alive and not self.draining and takes

    @property
    def failing(self) -> dict[str, str]:
        """The reasons (store, login_store, capacity) to refuse connections now, and causes."""
        down = {} if self.beats.healthy else {Reason.STORE.value: self.beats.last_error}
        return {**down, **self.refusals.failing}

    def flush_and_sweep_soon(self) -> None:
        """Flush and sweep at the next tick, because a close was requested in the store. Callable
        from any thread."""

        def schedule() -> None:
            now = time.monotonic()
            self.flush_job.schedule(now, soon=True)
            self.sweep_job.schedule(now, soon=True)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(schedule)

    # ------------------------------------------------------------ the end

    async def drain(self) -> None:
        """Suspend all sessions, say goodbye to their clients, and stop."""
        self.draining = self.closing = True
        leaving = self.hub.end_all()
        await self.disconnects.settle(STORE_TIMEOUT)
        self.disconnects.send_goodbyes()
        flushes = [asyncio.ensure_future(session.connection.flush()) for session in leaving]
        if flushes:
            await asyncio.wait(flushes, timeout=WRITE_TIMEOUT)
        await self.stop()

    async def stop(self) -> None:
        """End all tasks, give the lease back, release threads and connections."""
        await self.ticker.stop()
        await self.disconnects.stop()
        await self.rooms.stop()
        await self.presences.stop()
        await asyncio.gather(self.bus.stop(), self._leave())
        await asyncio.gather(self.handler_threads.aclose(), self.context.aclose())
        self._on_stop()

    async def _leave(self) -> None:
        """Give the lease back, and wait for the history and the signals of ended sessions."""
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                suspended = await self.store.leave(self.context.id)
                self.context.dispatcher.dispatch_suspended(suspended)
        except (StoreUnavailable, TimeoutError):
            logger.warning("left without the store, which did not answer; the lease will run out")
        await self.context.sweeper.settle(HISTORY_TIMEOUT)
        await self.context.sweeper.stop()
        await self.context.dispatcher.settle(within=SIGNAL_TIMEOUT)
