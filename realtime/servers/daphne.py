"""Daphne, tamed: limits that hold, pings that work, and a drain.

    listener = listen("127.0.0.1", 8000)      # OSError here when the port is taken
    Server(application, listener, limits=Limits(), lifecycle=Lifecycle()).run()

``run`` returns after SIGTERM or SIGINT and a drain. Left alone, daphne answers
SIGTERM by dropping every connection without a word.
"""

import daphne.server  # isort:skip  # installs the asyncio reactor, before anything else of Twisted

import asyncio
import logging
import signal
import socket
import time
import warnings
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogBeginner,
)

from realtime.servers import EXTENSION
from realtime.servers.base import SIZE_ALLOWANCE, Lifecycle, Limits, address_of, log_access
from realtime.servers.daphne_protocols import (
    HTTPFactory,
    Request,
    Transport,
    WebSocketFactory,
    WebSocketProtocol,
)

logger = logging.getLogger(__name__)

reactor: Any = installed_reactor
Protocol = Request | WebSocketProtocol

POLL = 0.02  # how often the drain looks whether the transports are gone


class Server(daphne.server.Server):
    """One worker on one listening socket, on the process's reactor.

    To be run once, in the main thread. ``application`` is ASGI; ``run`` raises
    what ``lifecycle.start`` raises.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        *,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        self.listener = listener
        self.host, self.port = address_of(listener)
        self.limits = limits or Limits()
        self.lifecycle = lifecycle or Lifecycle()
        self.draining = False
        self.connections: dict[Protocol, dict[str, Any]] = {}
        self.transports: set[Transport] = set()
        self._stopping = asyncio.Event()
        self._replaced = False
        super().__init__(
            application,
            endpoints=[f"{self.host}:{self.port}"],
            action_logger=log_access,
        )

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``; then drain and return."""
        _log_through_logging()
        # Twisted's clock is the wall clock: a step of it would delay every
        # timeout, or fire all of them.
        reactor.seconds = time.monotonic
        self._build_factories()
        loop = reactor._asyncioEventloop
        asyncio.set_event_loop(loop)
        main = loop.create_task(self._main(), name="server")
        main.add_done_callback(lambda _: reactor.stop())
        reactor.run(installSignalHandlers=False)
        main.result()

    def stop(self, *, replaced: bool = False) -> None:
        """Ask for the drain; to be called on the event loop.

        ``replaced``: another process accepts on the same socket already. So nobody has to be
        warned by a delay, and who is on the way in here is let in first.
        """
        self._replaced = replaced
        self._stopping.set()

    def _build_factories(self) -> None:
        size = self.limits.max_message_size + SIZE_ALLOWANCE
        self.http_factory = HTTPFactory(self)
        self.http_factory.timeOut = self.limits.idle_timeout
        self.ws_factory = WebSocketFactory(self, server=self.server_name)
        # Autobahn's own timeouts and pings are off: see daphne_protocols.
        self.ws_factory.setProtocolOptions(
            allowNullOrigin=True,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            autoPingTimeout=0,
            maxMessagePayloadSize=size,
            maxFramePayloadSize=size,
        )

    # From start to stop

    async def _main(self) -> None:
        self._catch_signals()
        watch = asyncio.create_task(self._watch(), name="deadlines")
        try:
            port = self._accept() if await self._started() else None
            await self._stopping.wait()
            await self._drain(port)
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

    def _accept(self) -> Any:
        port = reactor.adoptStreamPort(
            self.listener.fileno(), self.listener.family, self.http_factory
        )
        port.transport = Transport  # Twisted's documented hook for another kind of transport
        self.listener.close()  # the port has a duplicate
        self.lifecycle.listening(self.host, self.port)
        return port

    # Applications. Daphne looks at all of them once a second, and one
    # exception there ends the looking; here each is attended to as it ends.

    def protocol_connected(self, protocol: Protocol) -> None:
        if protocol in self.connections:
            raise RuntimeError(f"{protocol!r} was added twice")
        self.connections[protocol] = {"connected": time.monotonic()}

    def create_application(self, protocol: Protocol, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, WebSocketProtocol):
            scope["scheme"] = "wss" if protocol.transport_details.is_secure else "ws"
            scope["extensions"] = {EXTENSION: {}}
        queue = super().create_application(protocol, scope)
        if queue is not None:
            task = self.connections[protocol]["application_instance"]
            task.add_done_callback(partial(self._application_ended, protocol))
        return queue

    def _application_ended(self, protocol: Protocol, task: asyncio.Task[None]) -> None:
        details = self.connections[protocol]
        del details["application_instance"]
        error = _error_of(task)
        if error is not None and not task.cancelled():
            logger.error("Exception inside application: %s", error, exc_info=error)
        if "disconnected" in details:
            self._forget(protocol)
        else:
            protocol.application_ended(error)

    def protocol_disconnected(self, protocol: Protocol) -> None:
        details = self.connections.get(protocol)
        if details is None or "disconnected" in details:
            return
        details["disconnected"] = time.monotonic()
        task = details.get("application_instance")
        if task is None:
            self._forget(protocol)
        else:
            loop, patience = asyncio.get_running_loop(), self.limits.application_timeout
            details["overdue"] = loop.call_later(patience, self._overdue, protocol, task)

    def _overdue(self, protocol: Protocol, task: asyncio.Task[None]) -> None:
        logger.warning("application of %r did not end after its disconnect: cancelled", protocol)
        task.cancel()

    def _forget(self, protocol: Protocol) -> None:
        details = self.connections.pop(protocol)
        if "overdue" in details:
            details["overdue"].cancel()

    # Deadlines

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.limits.tick)
            self._each(partial(_check, time.monotonic()))

    def _each(self, act: Callable[[Any], object]) -> None:
        """One connection's fault costs that connection, not the others their turn."""
        for transport in tuple(self.transports):
            try:
                act(transport)
            except Exception:
                logger.exception("connection dropped: %r", transport)
                _abort(transport)

    # The drain

    async def _drain(self, port: Any) -> None:
        if self._replaced:
            await self._let_in(port)
        await self._step("begin_drain", self._begin_drain())
        if not self._replaced:
            await asyncio.sleep(self.limits.drain_delay)
        deadline = time.monotonic() + self.limits.drain_timeout
        self.draining = True
        self._refuse_new(port)
        self._each(_refuse)
        await self._step("drain", self.lifecycle.drain())
        self._each(_finish)
        await self._until_gone(deadline)
        self._each(_abort)
        await self._end_tasks()

    async def _let_in(self, port: Any) -> None:
        """Accept no more, and see those in who are between accept and handshake."""
        deadline = time.monotonic() + self.limits.arrival_timeout
        self._refuse_new(port)
        while self._arriving() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL)

    def _arriving(self) -> bool:
        return any(transport.protocol.arriving for transport in self.transports)

    def _refuse_new(self, port: Any) -> None:
        if port is not None:
            port.stopListening()

    async def _begin_drain(self) -> None:
        self.lifecycle.begin_drain()

    async def _step(self, name: str, work: Awaitable[object]) -> None:
        """A failed or late step is logged; the drain goes on without it."""
        task = asyncio.ensure_future(work)
        patience = self.limits.goodbye_timeout
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            logger.error("%s took longer than %s s", name, patience)
            task.cancel()
        elif (error := _error_of(task)) is not None:
            logger.error("%s failed: %r", name, error, exc_info=error)

    async def _until_gone(self, deadline: float) -> None:
        while self.transports and time.monotonic() < deadline:
            await asyncio.sleep(POLL)
            self._each(_refuse)  # an answer that has ended leaves an idle connection

    async def _end_tasks(self) -> None:
        """Let the applications end by themselves, then cancel everything on this loop."""
        patience = self.limits.cancel_timeout
        await asyncio.sleep(0)  # the aborted transports tell their applications now
        if applications := self._applications():
            await asyncio.wait(applications, timeout=patience)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await _cancel(rest, patience)

    def _applications(self) -> set[asyncio.Task[None]]:
        found = (d.get("application_instance") for d in self.connections.values())
        return {task for task in found if task is not None}


def _check(now: float, transport: Any) -> None:
    transport.protocol.check(now)


def _refuse(transport: Any) -> None:
    transport.protocol.refuse()


def _finish(transport: Any) -> None:
    transport.protocol.finish()


def _abort(transport: Any) -> None:
    transport.abortConnection()


def _error_of(task: asyncio.Future[Any]) -> BaseException | None:
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def _cancel(tasks: Iterable[asyncio.Future[Any]], patience: float) -> None:
    """Cancel these and wait a bounded time: a task may refuse."""
    pending = set(tasks)
    for task in pending:
        task.cancel()
    if pending:
        _, stubborn = await asyncio.wait(pending, timeout=patience)
        for task in stubborn:
            logger.error("did not end when cancelled: %r", task)


def _log_through_logging() -> None:
    """Twisted's warnings and errors go to ``logging``; daphne throws them away.

    Of autobahn only errors: it warns of every peer that leaves without a word.
    """
    levels: Any = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    levels.setLogLevelForNamespace("autobahn", LogLevel.error)
    python: Any = STDLibLogObserver("twisted")
    observer: Any = FilteringLogObserver(python, [levels])
    show = warnings.showwarning
    globalLogBeginner.beginLoggingTo([observer], discardBuffer=True, redirectStandardIO=False)
    warnings.showwarning = show  # Twisted takes these over as well
