"""One process that serves one listening socket: start, deadlines, drain.

``daphne`` and ``uvicorn`` subclass it; they add how connections are accepted and what they are.
"""

import asyncio
import logging
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection

from .application_tasks import cancel_all, cancel_overdue, error_of
from .callbacks import LifecycleCallbacks
from .descriptors import DescriptorReserve
from .gc_policy import GCPolicy
from .limits import ServerLimits
from .listeners import address_of
from .timer_wheel import TimerWheel
from .types import ServedConnection

logger = logging.getLogger("realtime.servers.serving")

POLL = 0.02  # seconds between two looks of the drain at the connections that are left

Action = Callable[[ServedConnection], object]


class ServerLifecycle(ABC):
    """Everything runs on one event loop, in the main thread."""

    def __init__(
        self, listener: socket.socket, limits: ServerLimits, callbacks: LifecycleCallbacks
    ) -> None:
        self.listener = listener
        self.host, self.port = address_of(listener)
        self.limits = limits
        self.callbacks = callbacks
        self.draining = False
        self.drain_failed = False  # whether the application's part of the drain failed or was late
        self.timers = TimerWheel[ServedConnection](limits.tick)  # all connections with deadlines
        self.descriptors = DescriptorReserve(callbacks.refused)
        self._gc_policy = GCPolicy()
        self._stopping = asyncio.Event()
        self._replaced = False

    def stop(self, *, replaced: bool = False) -> None:
        """Start the drain. Call it on the event loop.

        ``replaced``: another process accepts on the same socket already. The drain then skips
        its delay, and first waits for the handshakes and requests that are on their way in.
        """
        self._replaced = replaced
        self._stopping.set()

    def cancel_overdue(self, task: asyncio.Task[None]) -> asyncio.TimerHandle:
        """Cancel an application that does not end within ``application_timeout``."""
        loop = asyncio.get_running_loop()
        return loop.call_later(self.limits.application_timeout, cancel_overdue, task)

    # A server implements these

    @abstractmethod
    def connected(self) -> Collection[ServedConnection]:
        """Every connection, from accept until its transport is lost."""

    def on_tick(self) -> None:  # noqa: B027  # daphne has nothing to do
        """Called every ``limits.tick`` seconds."""

    @abstractmethod
    async def _start_accepting(self) -> None: ...

    @abstractmethod
    def _stop_accepting(self) -> None:
        """Does nothing if accepting has not begun."""

    @abstractmethod
    def application_tasks(self) -> set[asyncio.Task[None]]:
        """The calls of the application that have not ended."""

    # From start to stop

    async def _main(self) -> None:
        self._catch_signals()
        deadlines = asyncio.create_task(self._run_deadlines(), name="deadlines")
        try:
            if await self._start():
                self._gc_policy.start()
                await self._start_accepting()
                self.callbacks.listening(self.host, self.port)
            await self._stopping.wait()
            await self._drain()
        finally:
            deadlines.cancel()
            self.listener.close()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        # The second signal ends the process even if the event loop hangs.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self.stop()

    async def _start(self) -> bool:
        """Await the caller's start. Returns False if ``stop`` came first."""
        start = asyncio.ensure_future(self.callbacks.start())
        stop = asyncio.create_task(self._stopping.wait(), name="stop before start")
        await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if start.done():
            start.result()
            return True
        await cancel_all({start}, self.limits.cancel_timeout)
        return False

    # Deadlines

    async def _run_deadlines(self) -> None:
        while True:
            self.on_tick()
            self._check_deadlines(time.monotonic())
            if not self._stopping.is_set():  # the drain ends the process within seconds
                self._gc_policy.check(len(self.timers))
            await asyncio.sleep(self.limits.tick)

    def _check_deadlines(self, now: float) -> None:
        for connection in self.timers.advance(now):
            _guarded(connection, lambda each: each.check_deadlines(now))

    def _for_each_connection(self, action: Action) -> None:
        for connection in tuple(self.connected()):
            _guarded(connection, action)

    # The drain

    async def _drain(self) -> None:
        if self._replaced:
            await self._wait_for_arrivals()
        await self._drain_step("begin_drain", self.callbacks.begin_drain())
        if not self._replaced:
            await asyncio.sleep(self.limits.drain_delay)
        deadline = time.monotonic() + self.limits.drain_timeout
        self.draining = True
        self._stop_accepting()
        self._for_each_connection(lambda each: each.refuse())
        await self._drain_step("drain", self.callbacks.drain())
        self._for_each_connection(lambda each: each.finish())
        await self._wait_until_closed(deadline)
        self._for_each_connection(lambda each: each.abort())
        await self._end_tasks()

    async def _wait_for_arrivals(self) -> None:
        """Accept no more, and let connections between accept and handshake finish that."""
        self._stop_accepting()
        deadline = time.monotonic() + self.limits.arrival_timeout
        while time.monotonic() < deadline:
            await asyncio.sleep(POLL)  # first: asyncio may have accepted one not yet connected
            if not any(connection.arriving for connection in self.connected()):
                return

    async def _drain_step(self, name: str, work: Awaitable[object]) -> None:
        """Await a step. If it fails or is late, log that, set ``drain_failed`` and go on."""
        task = asyncio.ensure_future(work)
        timeout = self.limits.goodbye_timeout
        await asyncio.wait({task}, timeout=timeout)
        if not task.done():
            self.drain_failed = True
            logger.error("%s took longer than %s s", name, timeout)
            task.cancel()
        elif (error := error_of(task)) is not None:
            self.drain_failed = True
            logger.error("%s failed: %r", name, error, exc_info=error)

    async def _wait_until_closed(self, deadline: float) -> None:
        while self.connected() and time.monotonic() < deadline:
            await asyncio.sleep(POLL)
            # Each answer that has ended leaves an idle connection.
            self._for_each_connection(lambda each: each.refuse())

    async def _end_tasks(self) -> None:
        """Let the applications end by themselves, then cancel everything on this loop."""
        timeout = self.limits.cancel_timeout
        await asyncio.sleep(0)  # the aborted transports call connection_lost now
        if tasks := self.application_tasks():
            await asyncio.wait(tasks, timeout=timeout)
        await cancel_all(asyncio.all_tasks() - {asyncio.current_task()}, timeout)


def _guarded(connection: ServedConnection, action: Action) -> None:
    """Abort a connection whose action raises; the others still get theirs."""
    try:
        action(connection)
    except Exception:
        logger.exception("connection dropped: %r", connection)
        connection.abort()
