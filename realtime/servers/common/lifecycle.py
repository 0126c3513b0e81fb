"""One process that serves on one socket, from its start to the end of its drain.

What differs between servers is how they accept, and what their connections are.
"""

import asyncio
import logging
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Any, Protocol

from .base import Lifecycle, ServerLimits, address_of
from .gc_policy import GCPolicy
from .timer_wheel import TimerWheel, Watched

logger = logging.getLogger("realtime.servers.serving")

POLL = 0.02  # how often the drain looks whether the connections are gone

# File descriptors kept for the store, for files, and for turning connections away in words.
RESERVE = 32
COMPLAIN_EVERY = 10.0  # seconds between two lines of the log about them


class ServedConnection(Watched, Protocol):
    """One connection, as the protocol that has it now."""

    @property
    def arriving(self) -> bool:
        """Whether its first request or its handshake is under way."""

    def check(self, now: float) -> None:
        """Do what a deadline asks for. ``now`` is monotonic."""

    def refuse(self) -> None:
        """End what has not begun: an idle connection, half a request, a pending handshake."""

    def finish(self) -> None:
        """Refuse, and close what the application has not closed."""

    def abort(self) -> None:
        """Break the connection now, whatever is unsent."""


class ServerLifecycle:
    """Start, deadlines and drain; everything runs on one event loop, in the main thread."""

    def __init__(self, listener: socket.socket, limits: ServerLimits, lifecycle: Lifecycle) -> None:
        self.listener = listener
        self.host, self.port = address_of(listener)
        self.limits = limits
        self.lifecycle = lifecycle
        self.draining = False
        self.drain_failed = False  # whether the application's part of the drain failed, or was late
        self.rota: TimerWheel[ServedConnection] = TimerWheel(
            limits.tick
        )  # of every connection with deadlines
        self._collector = GCPolicy()
        self._stopping = asyncio.Event()
        self._replaced = False
        self._complained = -COMPLAIN_EVERY

    def stop(self, *, replaced: bool = False) -> None:
        """Ask for the drain; to be called on the event loop.

        ``replaced``: another process accepts on the same socket already. So nobody has to be
        warned by a delay, and who is on the way in here is let in first.
        """
        self._replaced = replaced
        self._stopping.set()

    # What a server adds

    def connected(self) -> Collection[ServedConnection]:
        """Every connection there is, from accept to its very end."""
        raise NotImplementedError

    def tick(self) -> None:
        """Whatever is to be done about once a second."""

    async def _accept(self) -> None:
        raise NotImplementedError

    def _refuse_new(self) -> None:
        """Stop accepting, if it has begun."""
        raise NotImplementedError

    def applications(self) -> set[asyncio.Task[None]]:
        """The calls of the application that have not ended."""
        raise NotImplementedError

    # From start to stop

    async def _main(self) -> None:
        self._catch_signals()
        watch = asyncio.create_task(self._watch(), name="deadlines")
        try:
            if await self._started():
                self._collector.start()
                await self._accept()
                self.lifecycle.listening(self.host, self.port)
            await self._stopping.wait()
            await self._drain()
        finally:
            watch.cancel()
            self.listener.close()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        # The second signal ends the process, whatever the event loop is doing.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self.stop()

    async def _started(self) -> bool:
        """Await the caller's start. False if a signal came first."""
        start = asyncio.ensure_future(self.lifecycle.start())
        stop = asyncio.create_task(self._stopping.wait(), name="stop before start")
        await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if start.done():
            start.result()
            return True
        await _cancel({start}, self.limits.cancel_timeout)
        return False

    # Deadlines

    async def _watch(self) -> None:
        while True:
            self.tick()
            self._look(time.monotonic())
            if not self._stopping.is_set():  # a drain is short, and what is left ends with it
                self._collector.check(len(self.rota))
            await asyncio.sleep(self.limits.tick)

    def _look(self, now: float) -> None:
        for connection in self.rota.look(now):
            _attend(connection, lambda each: each.check(now))

    def _each(self, act: Callable[[ServedConnection], object]) -> None:
        for connection in tuple(self.connected()):
            _attend(connection, act)

    def crowded(self, accepted: socket.socket) -> bool:
        """Whether this socket has one of the last descriptors: better to turn it away."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # A new descriptor is the lowest that is free, so its number says how many are not.
        if accepted.fileno() < limit - RESERVE:
            return False
        self.lifecycle.refused("capacity", f"{limit} file descriptors are too few")
        now = time.monotonic()
        if now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            logger.error("connections are turned away: %d file descriptors are too few", limit)
        return True

    # The drain

    async def _drain(self) -> None:
        if self._replaced:
            await self._let_in()
        await self._step("begin_drain", self._begin_drain())
        if not self._replaced:
            await asyncio.sleep(self.limits.drain_delay)
        deadline = time.monotonic() + self.limits.drain_timeout
        self.draining = True
        self._refuse_new()
        self._each(_refuse)
        await self._step("drain", self.lifecycle.drain())
        self._each(_finish)
        await self._until_gone(deadline)
        self._each(_abort)
        await self._end_tasks()

    async def _let_in(self) -> None:
        """Accept no more, and see those in who are between accept and handshake."""
        self._refuse_new()
        deadline = time.monotonic() + self.limits.arrival_timeout
        while time.monotonic() < deadline:
            await asyncio.sleep(POLL)  # first: asyncio may have accepted one it has not told of
            if not any(connection.arriving for connection in self.connected()):
                return

    async def _begin_drain(self) -> None:
        self.lifecycle.begin_drain()

    async def _step(self, name: str, work: Awaitable[object]) -> None:
        """A failed or late step is logged, and remembered; the drain goes on without it."""
        task = asyncio.ensure_future(work)
        patience = self.limits.goodbye_timeout
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            self.drain_failed = True
            logger.error("%s took longer than %s s", name, patience)
            task.cancel()
        elif (error := error_of(task)) is not None:
            self.drain_failed = True
            logger.error("%s failed: %r", name, error, exc_info=error)

    async def _until_gone(self, deadline: float) -> None:
        while self.connected() and time.monotonic() < deadline:
            await asyncio.sleep(POLL)
            self._each(_refuse)  # an answer that has ended leaves an idle connection

    async def _end_tasks(self) -> None:
        """Let the applications end by themselves, then cancel everything on this loop."""
        patience = self.limits.cancel_timeout
        await asyncio.sleep(0)  # the aborted transports tell their applications now
        if applications := self.applications():
            await asyncio.wait(applications, timeout=patience)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await _cancel(rest, patience)

    # Applications

    def cancel_later(self, task: asyncio.Task[None]) -> asyncio.TimerHandle:
        """Cancel an application that does not end after its disconnect."""
        loop, patience = asyncio.get_running_loop(), self.limits.application_timeout
        return loop.call_later(patience, partial(_overdue, task))


def _overdue(task: asyncio.Task[None]) -> None:
    logger.warning("%r did not end after its disconnect: cancelled", task)
    task.cancel()


def _attend(connection: ServedConnection, act: Callable[[ServedConnection], object]) -> None:
    """One connection's fault costs that connection, not the others their turn."""
    try:
        act(connection)
    except Exception:
        logger.exception("connection dropped: %r", connection)
        connection.abort()


def _refuse(connection: ServedConnection) -> None:
    connection.refuse()


def _finish(connection: ServedConnection) -> None:
    connection.finish()


def _abort(connection: ServedConnection) -> None:
    connection.abort()


def error_of(task: asyncio.Future[Any]) -> BaseException | None:
    """What a task that is done has raised, CancelledError included."""
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def log_failure(task: asyncio.Task[None]) -> BaseException | None:
    """What an application has raised; logged, unless it was cancelled."""
    error = error_of(task)
    if error is not None and not task.cancelled():
        logger.error("Exception inside application: %s", error, exc_info=error)
    return error


async def _cancel(tasks: Iterable[asyncio.Future[Any]], patience: float) -> None:
    """Cancel these and wait a bounded time: a task may refuse."""
    pending = set(tasks)
    for task in pending:
        task.cancel()
    if pending:
        _, stubborn = await asyncio.wait(pending, timeout=patience)
        for task in stubborn:
            logger.error("did not end when cancelled: %r", task)
